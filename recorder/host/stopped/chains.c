/* chains.c - walking a stopped thread's stack (chains.h), with the agent's own unwinder and tables of
 * our own: those in the shared memory may have been written to by the target. */
#include "chains.h"
#include "code/branches.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static const struct tracee *memory;
static bool is_unread;

static uint64_t word_at(uint64_t address)
{
    uint64_t word = 0;
    is_unread |= !tracee_read(memory, address, &word, sizeof word);
    return word;
}

static uint8_t byte_at(uint64_t address)
{
    uint8_t byte = 0;
    is_unread |= !tracee_read(memory, address, &byte, sizeof byte);
    return byte;
}

#define UNWIND_WORD(address) word_at(address)
#define UNWIND_BYTE(address) byte_at(address)
#define unwind_fill chains_unwind_fill
#define unwind_rare chains_unwind_rare
#define unwind_row chains_unwind_row
#define unwind_step chains_unwind_step
#include "agent/unwind.c"
#include "area/areas.h"
#include "modules/modules.h"

enum { MOST_FRAMES = 4096, MOST_SIGNALS = 16 };

/* One thread. */
struct chain {
    pid_t tid; /* 0: none yet */
    struct range functions[MOST_SIGNALS + 1];
    uint64_t
        contexts[MOST_SIGNALS]; /* each a struct ucontext that its handler will return through */
    unsigned signals;
};

/* The row behind a wrapped allocator call (agent/frames.h, struct leave_stack). */
struct after_row {
    uint32_t pcs[3];
    uint16_t kind[3];
    uint64_t what[3];
};

struct chains {
    const struct host *h;
    const struct process *p;
    const struct maps *maps;
    struct unwind_tables *tables;
    struct unwind_cache cache;
    struct after_row after[MAX_AREAS];
    struct chain chain;
};

/* ---- tables ---- */

/* A row's place is told as its distance from the tables: in our memory, not in the area. */
static uint64_t distance(const struct unwind_tables *tables, const void *rows)
{
    return (uint64_t)rows - (uint64_t)tables;
}

static bool is_agents(struct chains *c, struct unwind_module *part)
{
    const struct code_area *areas = c->p->areas;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        if (areas[i].address == 0 || !areas_hold(&areas[i], part->start))
            continue;
        uint64_t after = agent_address(c->h, &areas[i], AGENT_AFTER) - part->start;
        /* rbp: in the second word below. */
        const uint64_t row = UNWIND_SP | (WRAP_WORDS + 1) << 9 | UINT64_C(0xfffe) << 32;
        c->after[i] = (struct after_row){
            {(uint32_t)after - 1, (uint32_t)after, (uint32_t)after + 1},
            {0, 1, 2},
            {row, row | UNWIND_FIRST, UNWIND_LOST},
        };
        part->base = part->start;
        part->rows = 3;
        part->pcs = distance(c->tables, c->after[i].pcs);
        part->kind = distance(c->tables, c->after[i].kind);
        part->what = distance(c->tables, c->after[i].what);
        return true;
    }
    return false;
}

static void fill(struct chains *c, struct unwind_module *part)
{
    const struct module *m = module_around(c->p, part->start);
    if (is_agents(c, part) || m == NULL || !m->has_elf)
        return;
    const struct unwind_rows *f = &m->found->unwind;
    part->base = m->bias + f->base;
    part->rows = (uint32_t)f->rows;
    part->pcs = distance(c->tables, f->pcs);
    part->kind = distance(c->tables, f->kind);
    part->what = distance(c->tables, f->kinds);
}

static bool make_tables(struct chains *c)
{
    const struct maps *maps = c->maps;
    c->tables = calloc(1, sizeof *c->tables + maps->count * sizeof *c->tables->modules);
    if (c->tables == NULL)
        return false;
    c->tables->version = 1;
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *m = &maps->list[i];
        if (!m->executable || !m->readable)
            continue;
        struct unwind_module *part = &c->tables->modules[c->tables->count++];
        *part = (struct unwind_module){.start = m->start, .end = m->end};
        fill(c, part);
    }
    return true;
}

struct chains *chains_begin(const struct host *h, const struct process *p, const struct maps *maps)
{
    struct chains *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->h = h;
    c->p = p;
    c->maps = maps;
    if (make_tables(c))
        return c;
    free(c);
    return NULL;
}

void chains_free(struct chains *c)
{
    if (c != NULL)
        free(c->tables);
    free(c);
}

/* ---- the walk ---- */

static bool begin(struct chains *c, pid_t tid, struct unwind_state *state)
{
    struct user_regs_struct regs;
    c->chain = (struct chain){.tid = tid};
    memory = &c->p->tracee;
    is_unread = false;
    if (ptrace(PTRACE_GETREGS, tid, 0, &regs) != 0)
        return false;
    *state = (struct unwind_state){.pc = regs.rip, .sp = regs.rsp, .bp = regs.rbp, .bx = regs.rbx};
    /* The row at the instruction itself, which was not left by a call. */
    state->row = unwind_row(c->tables, &c->cache, regs.rip + 1);
    c->chain.functions[0] = (struct range){regs.rsp, regs.rsp, false};
    return !is_unread;
}

/* One frame further out; false where nothing further is proven. */
static bool step(struct chains *c, struct unwind_state *state)
{
    struct chain *chain = &c->chain;
    const struct mapping *m = maps_at(c->maps, state->sp);
    uint64_t before = state->sp, slot;
    if (m == NULL ||
        unwind_step(c->tables, &c->cache, state, m->start, m->end, &slot) != UNWIND_MORE)
        return false;
    if (is_unread || state->guessed)
        return false;
    if (state->kind != UNWIND_SIGNAL) {
        chain->functions[chain->signals].high = state->sp;
        return true;
    }
    if (chain->signals == MOST_SIGNALS)
        return false;
    chain->contexts[chain->signals++] = before;
    chain->functions[chain->signals] = (struct range){state->sp, state->sp, false};
    return true;
}

static void walk(struct chains *c, pid_t tid)
{
    struct unwind_state state;
    if (!begin(c, tid, &state))
        return;
    for (unsigned i = 0; i < MOST_FRAMES && step(c, &state); i++)
        ;
}

/* ---- a frame as the kernel leaves it ---- */

/* asm/ucontext.h, asm/sigcontext.h, asm/fpu/types.h */
enum { CONTEXT_RIP = 168, CONTEXT_FP = 224, CONTEXT_TO_FP = 448, FP_MARK = 464, FP_MOST = 1 << 16 };
#define MARK_BEGIN 0x46505853u
#define MARK_END 0x46505845u

/* The vector registers lie behind it: their end, or 0 where it is none of the kernel's making. */
static uint64_t end_of_frame(const struct tracee *t, uint64_t context)
{
    uint64_t fp = 0;
    uint32_t mark[2], end = 0; /* mark[1]: the size */
    if (!tracee_read(t, context + CONTEXT_FP, &fp, sizeof fp) || fp != context + CONTEXT_TO_FP ||
        !tracee_read(t, fp + FP_MARK, mark, sizeof mark) || mark[0] != MARK_BEGIN ||
        mark[1] <= FP_MARK || mark[1] > FP_MOST ||
        !tracee_read(t, fp + mark[1] - sizeof end, &end, sizeof end) || end != MARK_END)
        return 0;
    return fp + mark[1];
}

uint64_t chains_end(struct chains *c, pid_t tid)
{
    if (c->chain.tid != tid)
        walk(c, tid);
    return c->chain.functions[c->chain.signals].high;
}

enum proof chains_prove(struct chains *c, pid_t tid, uint64_t slot)
{
    const struct tracee *t = &c->p->tracee;
    const struct chain *chain = &c->chain;
    uint64_t context = slot - CONTEXT_RIP;
    if (chain->tid != tid)
        walk(c, tid);
    bool is_whole = end_of_frame(t, context) != 0;
    for (unsigned i = 0; i < chain->signals; i++)
        if (chain->contexts[i] == context)
            return is_whole ? PROOF_ALIVE : PROOF_NONE;
    for (unsigned i = 0; i < chain->signals; i++) {
        uint64_t end = end_of_frame(t, chain->contexts[i]);
        if (end != 0 && slot > chain->contexts[i] && slot < end)
            return PROOF_DEAD;
    }
    /* A whole one may be of a coroutine that waits, whose stack is a variable of this function. */
    for (unsigned i = 0; i <= chain->signals && !is_whole; i++)
        if (slot >= chain->functions[i].low && slot < chain->functions[i].high)
            return PROOF_DEAD;
    return PROOF_NONE;
}
