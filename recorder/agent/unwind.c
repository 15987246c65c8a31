/* unwind.c - one step out of a function. unwind.h is the manual. */
#include "unwind.h"

#ifndef UNWIND_WORD /* a test replays memory that it has read elsewhere */
#define UNWIND_WORD(address) (*(const volatile uint64_t *)(address))
#define UNWIND_BYTE(address) (*(const volatile uint8_t *)(address))
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((noinline, cold))

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* odd, its bits well spread: Fibonacci hashing */

/* ---- looking a return address up ------------------------------------------------------------ */

static const struct unwind_module *module_at(const struct unwind_tables *tables, uint64_t pc)
{
    uint32_t low = 0, high = tables->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tables->modules[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    const struct unwind_module *found = &tables->modules[low - 1];
    return low && pc < found->end ? found : 0;
}

/* The number of rows that begin at or before `pc`. */
static uint32_t rows_upto(const uint32_t *pcs, uint32_t count, uint32_t pc)
{
    const uint32_t *first = pcs;
    while (count) {
        uint32_t half = count / 2;
        if (first[half] <= pc) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first - pcs;
}

/* e8 rel32, or ff /2 in any of its lengths, ends at `ret` (Intel SDM volume 2, "CALL"). */
static int is_behind_call(const struct unwind_module *module, uint64_t ret)
{
    uint64_t room = ret - module->start;
    if (room >= 5 && UNWIND_BYTE(ret - 5) == 0xe8)
        return 1;
    for (unsigned size = 2; size <= 7 && size <= room; size++)
        if (UNWIND_BYTE(ret - size) == 0xff && (UNWIND_BYTE(ret - size + 1) >> 3 & 7) == 2)
            return 1;
    return 0;
}

/* mov $15, %rax; syscall: what a signal handler returns to (rt_sigreturn). */
static int is_restorer(const struct unwind_module *module, uint64_t ret)
{
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    if (ret >= module->end || module->end - ret < sizeof code)
        return 0;
    for (unsigned i = 0; i < sizeof code; i++)
        if (UNWIND_BYTE(ret + i) != code[i])
            return 0;
    return 1;
}

static int has_table(uint64_t what)
{
    return UNWIND_KIND(what) != UNWIND_NO_TABLE && !(what & UNWIND_SYNTHETIC);
}

/* The row that holds before `ret`, where the call is; UNWIND_FIRST if a function begins at it. */
static uint64_t row_before(const char *area, const struct unwind_module *module, uint64_t ret)
{
    const uint32_t *pcs = (const void *)(area + module->pcs);
    const uint64_t *what = (const void *)(area + module->what);
    if (ret - 1 < module->base || ret - module->base > UINT32_MAX)
        return UNWIND_NO_TABLE;
    uint32_t pc = ret - module->base;
    uint32_t next = rows_upto(pcs, module->rows, pc - 1);
    uint64_t found = next ? what[next - 1] & ~(uint64_t)UNWIND_FIRST : UNWIND_NO_TABLE;
    if (next < module->rows && pcs[next] == pc)
        found |= what[next] & UNWIND_FIRST;
    return found;
}

static COLD uint64_t find_row(const struct unwind_tables *tables, uint64_t ret)
{
    const struct unwind_module *module = module_at(tables, ret - 1);
    if (!module)
        return UNWIND_NO_TABLE;
    uint64_t what = row_before((const char *)tables - tables->self, module, ret);
    if (is_restorer(module, ret))
        what = UNWIND_SIGNAL | UNWIND_RESTORER | (has_table(what) ? 0 : UNWIND_SYNTHETIC);
    else if (is_behind_call(module, ret))
        what |= UNWIND_CALLED;
    return what;
}

static COLD uint64_t fill(const struct unwind_tables *tables, struct unwind_cache *cache,
                          uint64_t ret, uint64_t mixed)
{
    uint64_t what = find_row(tables, ret);
    unsigned at = mixed >> (64 - UNWIND_CACHE_BITS);
    cache->entries[at].what = what;
    cache->entries[at].check = what ^ mixed;
    return what;
}

static inline uint64_t lookup(const struct unwind_tables *tables, struct unwind_cache *cache,
                              uint64_t ret)
{
    uint64_t mixed = (ret + tables->version * GOLDEN) * GOLDEN;
    unsigned at = mixed >> (64 - UNWIND_CACHE_BITS);
    uint64_t what = cache->entries[at].what;
    if (likely((what ^ cache->entries[at].check) == mixed))
        return what;
    return fill(tables, cache, ret, mixed);
}

uint64_t unwind_row(const struct unwind_tables *tables, struct unwind_cache *cache, uint64_t ret)
{
    return lookup(tables, cache, ret);
}

/* ---- one step ------------------------------------------------------------------------------- */

struct bounds {
    uint64_t low, high;
};

/* Whether the word at `address` may be read. */
static inline int inside(struct bounds stack, uint64_t address)
{
    return address >= stack.low && address < stack.high && stack.high - address >= 8;
}

static COLD int word(struct bounds stack, uint64_t address, uint64_t *value)
{
    if (!inside(stack, address))
        return 0;
    *value = UNWIND_WORD(address);
    return 1;
}

/* struct ucontext, at rsp when a handler has returned: uc_mcontext begins at byte 40, its words
 * are r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip (asm/sigcontext.h). */
enum { UC_BP = 120, UC_BX = 128, UC_SP = 160, UC_IP = 168 };

static COLD int leave_signal(const struct unwind_tables *tables, struct unwind_cache *cache,
                             struct unwind_state *state, struct bounds stack, uint64_t what)
{
    uint64_t context = state->sp;
    if (!inside(stack, context) || !inside(stack, context + UC_IP))
        return UNWIND_CUT_UNREADABLE;
    uint64_t pc = UNWIND_WORD(context + UC_IP);
    if (!pc)
        return has_table(what) ? UNWIND_WHOLE : UNWIND_CUT_UNWINDER;
    state->pc = pc;
    state->sp = UNWIND_WORD(context + UC_SP);
    state->bp = UNWIND_WORD(context + UC_BP);
    state->bx = UNWIND_WORD(context + UC_BX);
    state->bp_from = context + UC_BP;
    state->kind = UNWIND_SIGNAL;
    state->row = lookup(tables, cache, pc + 1); /* the row at pc itself: it was interrupted */
    return UNWIND_MORE;
}

/* The CFA by the kinds that are rare. UNWIND_MORE, or why there is none. */
static COLD int rare_cfa(const struct unwind_state *state, struct bounds stack, uint64_t what,
                         uint64_t *cfa)
{
    uint64_t top = 1;
    switch (UNWIND_KIND(what)) {
    case UNWIND_END:
        return UNWIND_WHOLE;
    case UNWIND_BX:
        *cfa = state->bx + UNWIND_CFA(what);
        return UNWIND_MORE;
    case UNWIND_AT_BP:
        return word(stack, state->bp + UNWIND_CFA(what), cfa) ? UNWIND_MORE : UNWIND_CUT_UNREADABLE;
    case UNWIND_AT_SP:
        if (!word(stack, state->sp + UNWIND_CFA(what), cfa))
            return UNWIND_CUT_UNREADABLE;
        *cfa += 8;
        return UNWIND_MORE;
    case UNWIND_PLT: /* only a signal interrupts there, so pc is exact */
        *cfa = state->sp + UNWIND_CFA(what);
        *cfa += (int64_t)(state->pc & 15) >= UNWIND_SAVED_BP(what) ? 8 : 0;
        return UNWIND_MORE;
    case UNWIND_NO_TABLE: /* a debugger takes the word at rsp */
        word(stack, state->sp, &top);
        return top ? UNWIND_CUT_UNSUPPORTED : UNWIND_CUT_UNWINDER;
    }
    return UNWIND_CUT_UNWINDER;
}

/* What a debugger, which would look behind at most one pushed rbp, makes of this frame. */
static COLD uint32_t guess(const struct unwind_state *state, struct bounds stack, uint64_t what)
{
    uint64_t top = 1;
    word(stack, state->sp + (UNWIND_SAVED_BP(what) == -2 ? 8 : 0), &top);
    return top ? UNWIND_CUT_UNSUPPORTED : UNWIND_CUT_UNWINDER;
}

/* A register that the function saved `words` above `base`. False where it cannot be read. */
static inline int restore(struct bounds stack, uint64_t base, int64_t words, uint64_t *value)
{
    if (words == UNWIND_GONE) {
        *value = 0; /* a CFA that is counted from it will lie outside the stack */
        return 1;
    }
    if (unlikely(!inside(stack, base + 8 * words)))
        return 0;
    *value = UNWIND_WORD(base + 8 * words);
    return 1;
}

static inline int is_supported(uint64_t what, uint64_t outer)
{
    if (likely(outer & UNWIND_CALLED))
        return 1;
    return outer & UNWIND_RESTORER || (outer & UNWIND_FIRST && has_table(what));
}

/* Move to the caller, whose stack pointer `cfa` is. False where a saved register is out of reach.*/
static inline int move(struct unwind_state *state, struct bounds stack, uint64_t what, uint64_t cfa)
{
    int64_t bp_at = UNWIND_SAVED_BP(what), bx_at = UNWIND_SAVED_BX(what);
    int at_bp = UNWIND_KIND(what) == UNWIND_AT_BP;
    uint64_t base = unlikely(at_bp) ? state->bp : cfa;
    uint64_t bp = state->bp, bp_from = 0;
    if (unlikely(UNWIND_KIND(what) == UNWIND_PLT))
        bp_at = UNWIND_SAME;
    if (bx_at != UNWIND_SAME && unlikely(!restore(stack, base, bx_at, &state->bx)))
        return 0;
    if (bp_at != UNWIND_SAME || at_bp) {
        if (unlikely(!restore(stack, base, bp_at, &bp)))
            return 0;
        bp_from = base + 8 * bp_at;
    }
    state->bp = bp;
    state->bp_from = bp_from;
    state->sp = cfa;
    state->kind = UNWIND_KIND(what);
    return 1;
}

int unwind_step(const struct unwind_tables *tables, struct unwind_cache *cache,
                struct unwind_state *state, uint64_t low, uint64_t high, uint64_t *slot)
{
    struct bounds stack = {low, high};
    uint64_t what = state->row ? state->row : lookup(tables, cache, state->pc), cfa;
    unsigned kind = UNWIND_KIND(what);
    if (unlikely(state->guessed) && has_table(what))
        return state->guessed;
    if (likely(kind == UNWIND_SP)) {
        cfa = state->sp + UNWIND_CFA(what);
    } else if (kind == UNWIND_BP) {
        cfa = state->bp + UNWIND_CFA(what);
    } else if (kind == UNWIND_SIGNAL) {
        *slot = 0;
        return leave_signal(tables, cache, state, stack, what);
    } else {
        int result = rare_cfa(state, stack, what, &cfa);
        if (result != UNWIND_MORE)
            return state->guessed ? (int)state->guessed : result;
    }
    if (unlikely(what & UNWIND_GUESSED) && !state->guessed)
        state->guessed = guess(state, stack, what);
    if (unlikely(!inside(stack, cfa - 8)))
        return UNWIND_CUT_UNREADABLE;
    if (unlikely(cfa <= state->sp))
        return UNWIND_CUT_UNWINDER;
    uint64_t ret = UNWIND_WORD(cfa - 8);
    if (unlikely(!ret))
        return has_table(what) ? UNWIND_WHOLE : UNWIND_CUT_UNWINDER;
    uint64_t outer = lookup(tables, cache, ret);
    if (unlikely(!is_supported(what, outer)))
        return state->guessed ? (int)state->guessed : UNWIND_CUT_UNSUPPORTED;
    if (unlikely(!move(state, stack, what, cfa)))
        return UNWIND_CUT_UNREADABLE;
    state->pc = ret;
    state->row = outer;
    *slot = cfa - 8;
    return UNWIND_MORE;
}
