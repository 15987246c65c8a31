/* unwind_step.h - the hot path of unwinding, to be inlined into the one loop that walks.
 *
 * unwind.h is the manual; unwind.c holds what is rare, and unwind_step() for everybody else.
 */
#ifndef BRKPOINT_AGENT_UNWIND_STEP_H
#define BRKPOINT_AGENT_UNWIND_STEP_H

#include "unwind.h"

#ifndef UNWIND_WORD /* a test replays memory that it has read elsewhere */
#define UNWIND_WORD(address) (*(const volatile uint64_t *)(address))
#define UNWIND_BYTE(address) (*(const volatile uint8_t *)(address))
#endif

#define UNWIND_LIKELY(x) __builtin_expect(!!(x), 1)
#define UNWIND_INLINE static inline __attribute__((always_inline))
#define UNWIND_COLD __attribute__((noinline, cold, visibility("hidden")))

#define UNWIND_GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* odd, its bits well spread */

struct unwind_bounds {
    uint64_t low, high;
};

/* unwind.c: the row of `ret` from the tables, which goes into the cache. */
UNWIND_COLD uint64_t unwind_fill(const struct unwind_tables *tables, struct unwind_cache *cache,
                                 uint64_t ret);
/* unwind.c: steps by rows of other kinds than rsp and rbp. For all but signal frames only the CFA
 * is found; the step goes on with that. */
UNWIND_COLD int unwind_rare(const struct unwind_tables *tables, struct unwind_cache *cache,
                            struct unwind_state *state, struct unwind_bounds stack, uint64_t what,
                            uint64_t *cfa);

/* Where the row of `ret` is remembered, and the value that proves it: another one for every pair of
 * address and version, since multiples of the golden ratio keep more than 2^47 apart for the first
 * 2^16 versions. */
UNWIND_INLINE unsigned unwind_place(uint64_t ret)
{
    return (ret ^ ret >> UNWIND_CACHE_BITS) & ((1u << UNWIND_CACHE_BITS) - 1);
}

UNWIND_INLINE uint64_t unwind_proof(const struct unwind_tables *tables, uint64_t ret)
{
    return (ret + tables->version * UNWIND_GOLDEN) * UNWIND_GOLDEN;
}

UNWIND_INLINE uint64_t unwind_lookup(const struct unwind_tables *tables, struct unwind_cache *cache,
                                     uint64_t ret)
{
    unsigned at = unwind_place(ret);
    uint64_t what = __atomic_load_n(&cache->entries[at].what, __ATOMIC_RELAXED);
    uint64_t check = __atomic_load_n(&cache->entries[at].check, __ATOMIC_RELAXED);
    if (UNWIND_LIKELY((what ^ check) == unwind_proof(tables, ret)))
        return what;
    return unwind_fill(tables, cache, ret);
}

UNWIND_INLINE int unwind_has_table(uint64_t what)
{
    return UNWIND_KIND(what) != UNWIND_NO_TABLE && !(what & UNWIND_SYNTHETIC);
}

/* What a step comes to where the row leads no further: without a table that is why, whatever stands in
 * the words that were looked at. */
UNWIND_INLINE int unwind_cut(uint64_t what, int result)
{
    return unwind_has_table(what) ? result : UNWIND_CUT_UNSUPPORTED;
}

/* Whether the word at `address` may be read. */
UNWIND_INLINE int unwind_inside(struct unwind_bounds stack, uint64_t address)
{
    return address >= stack.low && address < stack.high && stack.high - address >= 8;
}

/* A register that the function saved `words` above `base`. False where it cannot be read. One that
 * a row cannot tell becomes 0: a CFA that is counted from it will lie outside the stack. */
UNWIND_INLINE int unwind_restore(struct unwind_bounds stack, uint64_t base, int64_t words,
                                 uint64_t *value)
{
    *value = 0;
    if (words == UNWIND_GONE)
        return 1;
    if (!UNWIND_LIKELY(unwind_inside(stack, base + 8 * words)))
        return 0;
    *value = UNWIND_WORD(base + 8 * words);
    return 1;
}

/* Whether a step from `what` out to the row `outer` is one that a call made, or was built by hand:
 * the end of a signal handler, the start of a function (makecontext). */
UNWIND_INLINE int unwind_is_supported(uint64_t what, uint64_t outer)
{
    if (UNWIND_LIKELY(outer & UNWIND_CALLED))
        return 1;
    return outer & UNWIND_RESTORER || (outer & UNWIND_FIRST && unwind_has_table(what));
}

/* Move to the caller, whose stack pointer `cfa` is. False where a saved register is out of reach. */
UNWIND_INLINE int unwind_move(struct unwind_state *state, struct unwind_bounds stack, uint64_t what,
                              uint64_t cfa)
{
    int64_t bp_at = UNWIND_SAVED_BP(what), bx_at = UNWIND_SAVED_BX(what);
    int at_bp = UNWIND_KIND(what) == UNWIND_AT_BP;
    uint64_t base = at_bp ? state->bp : cfa, bp_from = 0;
    if (UNWIND_KIND(what) == UNWIND_PLT)
        bp_at = UNWIND_SAME; /* there it is another number */
    if (bx_at != UNWIND_SAME && !unwind_restore(stack, base, bx_at, &state->bx))
        return 0;
    if (bp_at != UNWIND_SAME || at_bp) {
        if (!unwind_restore(stack, base, bp_at, &state->bp))
            return 0;
        bp_from = bp_at == UNWIND_GONE ? 0 : base + 8 * bp_at;
    }
    state->bp_from = bp_from;
    state->sp = cfa;
    state->kind = UNWIND_KIND(what);
    return 1;
}

UNWIND_INLINE int unwind_step_inline(const struct unwind_tables *tables, struct unwind_cache *cache,
                                     struct unwind_state *state, uint64_t low, uint64_t high,
                                     uint64_t *slot)
{
    struct unwind_bounds stack = {low, high};
    uint64_t what = state->row ? state->row : unwind_lookup(tables, cache, state->pc), cfa = 0;
    unsigned kind = UNWIND_KIND(what);
    *slot = 0;
    if (!UNWIND_LIKELY(!state->guessed) && unwind_has_table(what))
        return UNWIND_CUT_UNSUPPORTED;
    if (UNWIND_LIKELY(kind == UNWIND_SP)) {
        cfa = state->sp + UNWIND_CFA(what);
    } else if (kind == UNWIND_BP) {
        cfa = state->bp + UNWIND_CFA(what);
    } else {
        int result = unwind_rare(tables, cache, state, stack, what, &cfa);
        if (result != UNWIND_MORE || kind == UNWIND_SIGNAL)
            return result;
    }
    if (!UNWIND_LIKELY(!(what & UNWIND_GUESSED)))
        state->guessed = 1;
    if (!UNWIND_LIKELY(unwind_inside(stack, cfa - 8))) {
        *slot = kind == UNWIND_SP ? 0 : cfa - 8;
        return unwind_cut(what, UNWIND_CUT_UNREADABLE);
    }
    if (!UNWIND_LIKELY(cfa > state->sp) && unwind_inside(stack, state->sp)) {
        *slot = kind == UNWIND_SP ? 0 : cfa - 8;
        return unwind_cut(what, UNWIND_CUT_UNWINDER);
    }
    uint64_t ret = UNWIND_WORD(cfa - 8);
    if (!UNWIND_LIKELY(ret))
        return unwind_cut(what, UNWIND_WHOLE);
    uint64_t outer = unwind_lookup(tables, cache, ret);
    if (!UNWIND_LIKELY(unwind_is_supported(what, outer)))
        return UNWIND_CUT_UNSUPPORTED;
    if (!UNWIND_LIKELY(unwind_move(state, stack, what, cfa)))
        return unwind_cut(what, UNWIND_CUT_UNREADABLE);
    state->pc = ret;
    state->row = outer;
    *slot = cfa - 8;
    return UNWIND_MORE;
}

#endif
