/* bounds.c - the memory of stacks that may be read: the one that a thread stands on, and those that its
 * callers stand on (a signal's, the pieces of a split stack).
 */
#include "bounds.h"

/* Never a mixture of two: a handler that comes in between may set it as well. */
void bounds_set(struct thread_state *t, struct answer bounds)
{
    volatile uint64_t *low = &t->stack_low, *high = &t->stack_high;
    do {
        *high = 0;
        *low = bounds.first;
        *high = bounds.second;
    } while (*low != bounds.first);
}

static struct answer seen(const struct thread_state *t, uint64_t sp)
{
    uint64_t unmaps = *(volatile uint64_t *)&area()->unmaps;
    for (unsigned i = 0; i < STACKS_SEEN; i++) {
        const struct stack_seen *s = &t->stacks[i];
        if (s->unmaps == unmaps && sp >= s->low && sp < s->high)
            return (struct answer){s->low, s->high};
    }
    return (struct answer){0, 0};
}

/* A handler that comes in between takes another place. */
static struct answer ask(struct thread_state *t, uint64_t sp, uint64_t pc)
{
    uint64_t unmaps = *(volatile uint64_t *)&area()->unmaps;
    struct answer bounds = ask_host(t, ASK_STACK, sp, pc, 0, 0);
    struct stack_seen *s = &t->stacks[t->stacks_told++ % STACKS_SEEN];
    if (bounds.second != 0)
        *s = (struct stack_seen){bounds.first, bounds.second, unmaps};
    return bounds;
}

int bounds_around(struct thread_state *t, uint64_t sp)
{
    if (likely(on_known_stack(t, sp)))
        return 1;
    struct answer bounds = seen(t, sp);
    if (bounds.second == 0)
        bounds = ask(t, sp, 0);
    if (bounds.second == 0)
        return 0;
    bounds_set(t, bounds);
    return on_known_stack(t, sp);
}

/* The function at `pc`, which found its caller's frame at `sp`, may stand on another stack than it. */
static struct answer across(struct thread_state *t, uint64_t sp, uint64_t pc)
{
    struct answer bounds = {0, 0};
    if (pc == t->switch_pc)
        bounds = seen(t, sp);
    if (bounds.second == 0)
        bounds = ask(t, sp, pc);
    if (bounds.second != 0)
        t->switch_pc = pc;
    return bounds;
}

int bounds_step(struct thread_state *t, const struct unwind_tables *tables,
                struct unwind_state *state, uint64_t *slot)
{
    struct unwind_cache *cache = in_area(AREA_CACHE_AT);
    int result = unwind_step(tables, cache, state, t->stack_low, t->stack_high, slot);
    if (likely(result == UNWIND_MORE || *slot == 0))
        return result;
    return bounds_cross(t, tables, state, slot, result);
}

int bounds_cross(struct thread_state *t, const struct unwind_tables *tables,
                 struct unwind_state *state, uint64_t *slot, int result)
{
    struct unwind_cache *cache = in_area(AREA_CACHE_AT);
    uint64_t sp = state->sp;
    struct answer bounds = across(t, *slot, state->pc);
    if (bounds.second != 0) {
        bounds_set(t, bounds);
        /* Two pieces may lie in one mapping; the one that is left is out of bounds. */
        if (sp >= bounds.first && sp < bounds.second && *slot < sp)
            bounds.second = sp;
        result = unwind_step(tables, cache, state, bounds.first, bounds.second, slot);
    }
    if (result == UNWIND_MORE)
        state->kind = UNWIND_SIGNAL; /* to another stack, as there */
    else
        *slot = 0;
    return result;
}
