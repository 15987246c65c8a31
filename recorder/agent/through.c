/* through.c - the program's own unwinder comes through the agent's frames: exceptions, pthread_exit,
 * cancellation, backtrace().
 *
 * libgcc asks _Unwind_Find_FDE for the table of each return address that it meets, and knows none of
 * the agent's. That function is hooked. Where a wrapper stands between a function and its caller,
 * the unwinder is moved on to the caller before it looks: it never sees the wrapper. Where a signal
 * came while copied instructions ran, it is moved to the original. Only where a signal came in the
 * agent itself it sees one frame more or two, for which the agent has tables.
 */
#include "event.h"
#include "frames.h"

/* gcc, libgcc/unwind-dw2-fde.h */
struct dwarf_bases {
    uint64_t text, data, function;
};

/* libgcc's struct _Unwind_Context (libgcc/unwind-dw2.c), up to its `bases`, which it hands over. */
enum { FRAME_POINTER = 6, STACK_POINTER };
struct context {
    uint64_t saved_at[18]; /* of register i; 0: it has its value. The stack pointer's is then cfa */
    uint64_t cfa, ra, lsda;
    struct dwarf_bases bases;
};

/* An entry of .eh_frame: a table where `cie` is not 0. Distances are from their own place. */
struct frame_entry {
    uint32_t length;
    int32_t cie;
    int32_t begin;
    uint32_t size;
};
extern const char agent_frames[] __attribute__((visibility("hidden")));
extern const char agent_return[] __attribute__((visibility("hidden")));

static struct context *context_of(uint64_t bases)
{
    return (struct context *)(bases - __builtin_offsetof(struct context, bases));
}

/* Past the wrappers, where the unwinder stands at one. False: it does not. */
static int pass_wrappers(struct context *c, uint64_t pc)
{
    int passed = 0;
    while (c->ra != 0 && c->ra == pc + 1 && is_wrapper(c->ra) && load(c->cfa - 8) == c->ra) {
        c->cfa += WRAP_SKIP;
        c->ra = load(c->cfa - 8);
        c->saved_at[FRAME_POINTER] = c->cfa - 16;
        pc = c->ra - 1;
        passed = 1;
    }
    return passed;
}

/* ---- copied instructions ---- */

/* A code area begins where its `agent_after` says. Each has a copy of the agent, and stubs. */
static uint64_t area_begin(unsigned i)
{
    return code_head.after[i] == 0 ? 0 : code_head.after[i] - code_head.entries[1];
}

/* How far the stack pointer is below the target's own, `at` bytes into a piece of a stub's code. */
static uint64_t lowered(const uint8_t *code, uint64_t at)
{
    static const uint8_t hook_call[] = {0x48, 0x8d, 0x64, 0x24, 0x80}; /* emit.h, emit_hook_call */
    for (unsigned i = 0; i < sizeof hook_call; i++)
        if (code[i] != hook_call[i])
            return code[0] == 0x68 && at >= 5 ? 8 : 0; /* the number for agent_entry */
    return at < 5 ? 0 : at < 10 ? 128 : at < 23 ? 136 : 0;
}

static int leave_stub_of(struct context *c, uint64_t pc, uint64_t stubs)
{
    uint64_t within = (pc - stubs) % STUB_SIZE;
    const uint8_t *stub = (const uint8_t *)(pc - within);
    const struct stub_origin *o = (const struct stub_origin *)(stub + STUB_ORIGIN);
    unsigned i = o->count <= ORIGIN_STEPS ? o->count : 0;
    while (i > 0 && o->to[i - 1] > within)
        i--;
    if (i == 0)
        return 0;
    c->saved_at[STACK_POINTER] = 0;
    c->cfa += lowered(stub + o->to[i - 1], within - o->to[i - 1]);
    c->ra = o->patch + o->from[i - 1] + (c->ra - pc);
    return 1;
}

/* Where the unwinder stands in a stub: on to the code that it was copied from. */
static int leave_stub(struct context *c, uint64_t pc)
{
    for (unsigned i = 0; i < sizeof code_head.after / sizeof *code_head.after; i++) {
        uint64_t begin = area_begin(i);
        if (begin != 0 && pc - (begin + AGENT_ROOM) < (uint64_t)STUB_COUNT * STUB_SIZE)
            return leave_stub_of(c, pc, begin + AGENT_ROOM);
    }
    return 0;
}

/* ---- the agent itself ---- */

static const struct frame_entry *table_of(uint64_t pc, uint64_t *begin)
{
    const char *at = agent_frames;
    for (;;) {
        const struct frame_entry *e = (const struct frame_entry *)at;
        if (e->length == 0)
            return 0;
        *begin = (uint64_t)&e->begin + (uint64_t)(int64_t)e->begin;
        if (e->cie != 0 && pc - *begin < e->size)
            return e;
        at += 4 + e->length;
    }
}

/* In place of _Unwind_Find_FDE(pc, bases): the thunk returns to its caller. */
static void answer_table(struct hook_stack *s)
{
    for (unsigned i = 0; i < sizeof code_head.after / sizeof *code_head.after; i++) {
        uint64_t begin = area_begin(i), away = begin - (uint64_t)&code_head, function;
        if (begin == 0 || s->rdi - begin >= AGENT_ROOM)
            continue;
        const struct frame_entry *table = table_of(s->rdi - away, &function);
        if (table == 0)
            continue;
        *(struct dwarf_bases *)s->rsi = (struct dwarf_bases){0, 0, function + away};
        s->rax = (uint64_t)table;
        s->stub = (uint64_t)agent_return;
    }
}

void agent_find_fde(struct hook_stack *s)
{
    struct context *c = context_of(s->rsi);
    uint64_t distance = c->ra - s->rdi; /* 1 behind a call, 0 where a signal came */
    if (distance <= 1 && (leave_stub(c, s->rdi) || pass_wrappers(c, s->rdi)))
        s->rdi = c->ra - distance;
    else
        answer_table(s);
}
