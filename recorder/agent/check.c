/* check.c - every remembered stack beside one that is unwound anew: not in the agent that is planted
 * usually, but in one built for a test (make recorder-check-stacks).
 */
#ifdef AGENT_CHECKED
#include "event.h"
#include "unwind.h"

static int is_node(uint32_t node)
{
    return node != 0 && !(node & NODE_CUT);
}

/* The frame outside, or what the chain ends with. Words that are no frames stand between. */
static uint32_t outside(const struct thread_state *t, uint32_t node)
{
    do
        node = nodes_of(t)[node].left == 0 ? nodes_of(t)[node].parent : node + 1;
    while (is_node(node) && (nodes_of(t)[node].next & MEMO_CHECK));
    return node;
}

static int is_right(const struct thread_state *t, struct unwind_state *s, uint64_t slot,
                    uint32_t node)
{
    const struct unwind_tables *tables = in_area(identity()->tables);
    for (unsigned depth = 1; depth < MAX_FRAMES; depth++) {
        if (!is_node(node) || words_of(t)[node].slot != slot || words_of(t)[node].pc != s->pc)
            return 0;
        node = outside(t, node);
        int result =
            unwind_step(tables, in_area(AREA_CACHE_AT), s, t->stack_low, t->stack_high, &slot);
        if (result != UNWIND_MORE)
            return (node & NODE_CUT ? CUT_TOLD(node) : node) ==
                   (result == UNWIND_WHOLE ? 0 : NODE_CUT | (uint32_t)result);
        if (slot != 0 && skip_wrapper(&slot, &s->pc, &s->bp)) {
            s->sp = slot + 8;
            s->row = 0;
        }
    }
    return 1;
}

void check_stack(const struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                 uint64_t bx, uint32_t node)
{
    struct unwind_state s = {.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    if (AGENT_CHECKED == 2) /* one that is wrong, to see that it is noticed */
        node = node > 1 ? node - 1 : node + 1;
    __sync_fetch_and_add(&area()->checked[is_right(t, &s, slot, node)], 1);
}
#endif
