/* syscall_reading.c - the system calls of one stretch of code, read in its order (syscall_reading.h). */
#include "syscall_reading.h"
#include "branches.h"
#include "constants.h"
#include "detour.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum {
    LINE_MAX_STEPS = 8,    /* instructions remembered in front of a syscall */
    UNMAP_EXIT_BYTES = 16, /* from musl's munmap of its own stack to its exit */
};

/* Labels first, then one instruction after the other. */
struct reading {
    const struct code *code;
    bool certain;
    struct labels labels; /* where jumps and calls lead to */
    struct labels lines;  /* where straight code begins that leads to a syscall */
    struct registers registers;
    uint64_t line_start;
    uint64_t line[LINE_MAX_STEPS]; /* addresses of the last instructions that lead to here */
    unsigned steps;
    struct syscall_site *before; /* the site before, when nothing but straight code is between */
    struct syscall_sites *out;
};

static struct syscall_site *append(struct syscall_sites *sites)
{
    size_t count = sites->count;
    if ((count & (count - 1)) == 0) { /* a power of two is full */
        struct syscall_site *list = realloc(sites->list, (count ? 2 * count : 1) * sizeof *list);
        if (!list)
            return NULL;
        sites->list = list;
    }
    return memset(&sites->list[sites->count++], 0, sizeof(struct syscall_site));
}

/* -- which run of instructions can make place for a jump */

/* Extends the run that begins at `start` from `behind` the syscall on, until it is long enough.
 * 0: it cannot be. */
static unsigned run_length(const struct reading *r, uint64_t start, uint64_t behind)
{
    uint64_t at = behind;
    struct instruction i;
    while (at - start < JUMP_BYTES) {
        if (labels_has(&r->labels, at) || !instruction_at(r->code, at, &i))
            return 0;
        if (i.kind == CALL || i.kind == CALL_INDIRECT || i.kind == SYSCALL ||
            i.kind == OTHER_RELATIVE)
            return 0;
        at = instruction_end(&i);
        if (instruction_ends_line(&i) && at - start < JUMP_BYTES)
            return 0;
    }
    return labels_between(&r->labels, start + 1, at) ? 0 : (unsigned)(at - start);
}

/* Best is a jump that leaves the syscall itself alone: a thread may be waiting in it. */
static void choose_run(const struct reading *r, const struct instruction *i,
                       struct syscall_site *site)
{
    bool jumped_to = labels_between(&r->labels, i->address, instruction_end(i) + 1);
    site->refusal = jumped_to ? BRANCHED_INTO : TOO_SHORT;
    for (unsigned n = 0; n <= r->steps && n <= LINE_MAX_STEPS; n++) {
        uint64_t start = n ? r->line[(r->steps - n) % LINE_MAX_STEPS] : site->address;
        unsigned length = run_length(r, start, instruction_end(i));
        if (n && length == 0 && labels_between(&r->labels, start + 1, site->address + 1))
            return;
        if (length == 0 || length > SYSCALL_RUN_MAX)
            continue;
        site->refusal = MOVED;
        site->start = start;
        site->length = length;
        if (site->address - start >= JUMP_BYTES)
            return;
    }
}

/* -- one syscall instruction */

/* __syscall_cp_asm of musl, __syscall_cancel_arch of glibc: (flag, number, argument…) */
static bool is_cancellation_point(const struct registers *registers)
{
    const struct held *number = &registers->in[RAX], *argument = &registers->in[RDI];
    return number->what == INCOMING && number->value == RSI && argument->what == INCOMING &&
           argument->value == RDX;
}

/* As syscall(2) does: no bytes of data look like that. */
static bool hands_on(const struct registers *registers)
{
    const struct held *number = &registers->in[RAX], *argument = &registers->in[RDI];
    return number->what == INCOMING && number->value == RDI && argument->what == INCOMING &&
           argument->value == RSI;
}

static int number_in(const struct registers *registers)
{
    const struct held *rax = &registers->in[RAX];
    return rax->what == CONSTANT && rax->value <= INT32_MAX ? (int)rax->value : SYSCALL_UNKNOWN;
}

/* munmap, exit, with nothing between them that could need a stack. */
static void mark_unmapped_stack(struct syscall_site *munmap, struct syscall_site *exit)
{
    if (munmap->number != SYS_munmap || exit->address - munmap->address > UNMAP_EXIT_BYTES)
        return;
    munmap->stack = STACK_UNMAPPED;
    exit->stack = STACK_NONE;
    exit->number = SYS_exit;
}

static bool add_site(struct reading *r, const struct instruction *i)
{
    bool follows = r->before != NULL;
    struct syscall_site *site = append(r->out);
    if (!site)
        return false;
    site->address = i->address;
    site->number = number_in(&r->registers);
    site->line = r->line_start;
    site->certain = r->certain;
    site->hands_on = hands_on(&r->registers);
    choose_run(r, i, site);
    if (site->number == SYS_rt_sigreturn)
        site->refusal = SIGNAL_RETURN;
    if (is_cancellation_point(&r->registers))
        site->refusal = CANCELLATION;
    if (follows)
        mark_unmapped_stack(site - 1, site);
    r->before = site;
    return true;
}

/* -- reading code in its order */

static void begin_line(struct reading *r, uint64_t at)
{
    r->line_start = at;
    registers_at_start(&r->registers);
    r->steps = 0;
    r->before = NULL;
}

/* Nothing runs on into what stands behind. Between functions, padding may end one. */
static bool ends_line(const struct reading *r, const struct instruction *i)
{
    return instruction_ends_line(i) || (i->kind == PADDING && !r->certain);
}

static void find_labels(struct reading *r)
{
    struct instruction i;
    uint64_t line = r->labels.low;
    for (uint64_t at = line; at < r->labels.high;) {
        if (!instruction_at(r->code, at, &i)) {
            line = ++at;
            continue;
        }
        if (instruction_branches(&i) || i.kind == CALL)
            labels_add(&r->labels, i.target);
        if (i.kind == SYSCALL)
            labels_add(&r->lines, line);
        at = instruction_end(&i);
        if (ends_line(r, &i))
            line = at;
    }
}

/* A run may not begin before a call (it would have to return into it), another syscall, or padding
 * (behind which something may begin that is called from elsewhere). */
static void remember(struct reading *r, const struct instruction *i)
{
    if (i->kind == CALL || i->kind == CALL_INDIRECT || i->kind == SYSCALL ||
        i->kind == OTHER_RELATIVE || i->kind == PADDING)
        r->steps = 0;
    else
        r->line[r->steps++ % LINE_MAX_STEPS] = i->address;
}

/* Reads straight code from `at` to its end. */
static bool read_line(struct reading *r, uint64_t at)
{
    struct instruction i;
    begin_line(r, at);
    for (; instruction_at(r->code, at, &i); at = instruction_end(&i)) {
        if (labels_has(&r->labels, at))
            begin_line(r, at);
        if (i.kind == SYSCALL && !add_site(r, &i))
            return false;
        if (ends_line(r, &i))
            break;
        registers_follow(&r->registers, &i);
        remember(r, &i);
    }
    return true;
}

static bool read_lines(struct reading *r)
{
    for (uint64_t at = r->lines.low; at < r->lines.high; at++)
        if (labels_has(&r->lines, at) && !read_line(r, at))
            return false;
    return true;
}

bool read_syscall_sites(const struct code *code, bool certain, struct syscall_sites *out)
{
    struct reading r = {.code = code, .certain = certain, .out = out};
    uint64_t end = code->address + code->length;
    bool well = labels_begin(&r.labels, code->address, end);
    well = labels_begin(&r.lines, code->address, end) && well;
    if (well) {
        find_labels(&r);
        well = read_lines(&r);
    }
    labels_free(&r.labels);
    labels_free(&r.lines);
    return well;
}
