/* sites.c - the `syscall` instructions of a piece of executable code (sites.h). */
#define _GNU_SOURCE /* memmem */
#include "sites.h"
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

/* The reading of one function, or of the code between two. */
struct reading {
    const struct code *code; /* just this piece */
    bool certain;
    struct labels labels;
    struct registers registers;
    uint64_t line[LINE_MAX_STEPS]; /* addresses of the last instructions that lead to here */
    unsigned steps;
    struct site *before; /* the site before, when nothing but straight code is between */
    struct sites *out;
};

bool site_matters(int number)
{
    static const int those[] = {
        SYS_mmap,   SYS_mprotect,   SYS_munmap, SYS_brk,     SYS_mremap,         SYS_madvise,
        SYS_clone,  SYS_fork,       SYS_vfork,  SYS_execve,  SYS_exit,           SYS_execveat,
        SYS_clone3, SYS_exit_group, SYS_prctl,  SYS_seccomp, SITE_NUMBER_UNKNOWN};
    for (size_t n = 0; n < sizeof those / sizeof *those; n++)
        if (number == those[n])
            return true;
    return false;
}

static struct site *append(struct sites *sites)
{
    size_t count = sites->count;
    if ((count & (count - 1)) == 0) { /* a power of two is full */
        struct site *list = realloc(sites->list, (count ? 2 * count : 1) * sizeof *list);
        if (!list)
            return NULL;
        sites->list = list;
    }
    return memset(&sites->list[sites->count++], 0, sizeof(struct site));
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
static void choose_run(const struct reading *r, const struct instruction *i, struct site *site)
{
    site->refusal = BRANCHED_INTO;
    for (unsigned n = 0; n <= r->steps && n <= LINE_MAX_STEPS; n++) {
        uint64_t start = n ? r->line[(r->steps - n) % LINE_MAX_STEPS] : site->address;
        unsigned length = run_length(r, start, instruction_end(i));
        if (n && length == 0 && labels_between(&r->labels, start + 1, site->address + 1))
            return;
        if (length == 0 || length > SITE_RUN_MAX)
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

static int number_in(const struct registers *registers)
{
    const struct held *rax = &registers->in[RAX];
    return rax->what == CONSTANT && rax->value <= INT32_MAX ? (int)rax->value : SITE_NUMBER_UNKNOWN;
}

/* munmap, exit, with nothing between them that could need a stack. */
static void mark_unmapped_stack(struct site *munmap, struct site *exit)
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
    struct site *site = append(r->out);
    if (!site)
        return false;
    site->address = i->address;
    site->number = number_in(&r->registers);
    site->certain = r->certain;
    choose_run(r, i, site);
    if (is_cancellation_point(&r->registers))
        site->refusal = CANCELLATION;
    if (follows)
        mark_unmapped_stack(site - 1, site);
    r->before = site;
    return true;
}

/* -- reading code in its order */

static void begin_line(struct reading *r)
{
    registers_at_start(&r->registers);
    r->steps = 0;
    r->before = NULL;
}

static void find_labels(struct reading *r)
{
    struct instruction i;
    for (uint64_t at = r->labels.low; at < r->labels.high;) {
        if (!instruction_at(r->code, at, &i)) {
            at++;
            continue;
        }
        if (instruction_branches(&i) || i.kind == CALL)
            labels_add(&r->labels, i.target);
        at = instruction_end(&i);
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

static bool read_piece(struct reading *r)
{
    struct instruction i;
    for (uint64_t at = r->labels.low; at < r->labels.high; at = instruction_end(&i)) {
        if (labels_has(&r->labels, at))
            begin_line(r);
        if (!instruction_at(r->code, at, &i)) {
            begin_line(r);
            i = (struct instruction){.address = at, .length = 1};
            continue;
        }
        if (i.kind == SYSCALL && !add_site(r, &i))
            return false;
        registers_follow(&r->registers, &i);
        remember(r, &i);
        if (instruction_ends_line(&i))
            begin_line(r);
    }
    return true;
}

static bool contains_syscall(const struct code *code)
{
    return memmem(code->bytes, code->length, "\x0f\x05", 2) != NULL;
}

/* Looks in [low, high) of the text. */
static bool look_in(const struct text *text, uint64_t low, uint64_t high, bool certain,
                    struct sites *out)
{
    struct code piece = {low, text->code.bytes + (low - text->code.address), high - low};
    if (low >= high || !contains_syscall(&piece))
        return true;
    struct reading r = {.code = &piece, .certain = certain, .out = out};
    bool well = labels_begin(&r.labels, low, high);
    if (well) {
        find_labels(&r);
        begin_line(&r);
        well = read_piece(&r);
    }
    labels_free(&r.labels);
    return well;
}

/* -- jumps from other functions */

static bool refuse_branched_into(const struct text *text, struct sites *sites)
{
    struct range *ranges = calloc(sites->count + 1, sizeof *ranges);
    if (!ranges)
        return false;
    for (size_t n = 0; n < sites->count; n++) {
        const struct site *site = &sites->list[n];
        uint64_t start = site->length ? site->start : site->address;
        ranges[n] = (struct range){start + 1, start + 1, false};
        if (site->length)
            ranges[n].high = start + site->length;
    }
    find_branches_into(&text->code, ranges, sites->count);
    for (size_t n = 0; n < sites->count; n++)
        if (ranges[n].branched_into && sites->list[n].refusal == MOVED)
            sites->list[n].refusal = BRANCHED_INTO;
    free(ranges);
    return true;
}

bool sites_find(const struct text *text, struct sites *out)
{
    uint64_t at = text->code.address, end = at + text->code.length;
    *out = (struct sites){0};
    for (size_t n = 0; n < text->count && at < end; n++) {
        uint64_t low = text->functions[n].address, high = low + text->functions[n].length;
        if (high <= at || high < low || low >= end)
            continue;
        low = low < at ? at : low;
        high = high > end ? end : high;
        if (!look_in(text, at, low, false, out) || !look_in(text, low, high, true, out))
            return false;
        at = high;
    }
    return look_in(text, at, end, false, out) && refuse_branched_into(text, out);
}

void sites_free(struct sites *sites)
{
    free(sites->list);
    *sites = (struct sites){0};
}
