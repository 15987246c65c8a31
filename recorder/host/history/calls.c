/* history/calls.c - the open calls of a thread: which are over, and which lies inside which.
 * The rules, with their reasons: docs/architecture.md, "Rules of the history". */
#include "inside.h"

#include <string.h>

/* glibc 2.31's malloc_hook_ini jumps to malloc's entry again: one call, seen twice. */
int is_repeated(const struct thread *t, const struct call *call)
{
    if (!t->open)
        return 0;
    const struct call *top = &t->calls[t->open - 1];
    return top->sp == call->sp && top->hook == call->hook && top->back == call->back &&
           !memcmp(&top->shape, &call->shape, sizeof call->shape);
}

/* Remove the calls from `from` on that lie at or below `sp`. Those at `sp` returned, if so:
 * they are handed out in `closed`, outermost first; all others were left. Calls at higher
 * addresses lie on another stack, a signal's or a coroutine's. */
static unsigned cut(struct history *h, struct thread *t, unsigned from, uint64_t sp,
                    struct call *closed)
{
    unsigned kept = from, returned = 0;
    struct call left[MAX_OPEN + 1];
    unsigned left_count = 0;
    for (unsigned index = from; index < t->open; index++) {
        struct call *call = &t->calls[index];
        if (call->sp > sp)
            memmove(&t->calls[kept++], call, sizeof *call);
        else if (closed && call->sp == sp)
            closed[returned++] = *call;
        else
            left[left_count++] = *call;
    }
    t->open = kept;
    for (unsigned index = 0; index < left_count; index++)
        block_abandon(h, t, &left[index]);
    return returned;
}

/* The place behind the open calls, to be filled. NULL: no memory. */
struct call *next_call(struct history *h, struct thread *t)
{
    if (t->open + 1 >= t->room &&
        grow(h, (void **)&t->calls, &t->room, t->open + 2, sizeof *t->calls))
        return NULL;
    return &t->calls[t->open];
}

/* The entry `next`, in the place behind the open calls, comes from elsewhere than the calls whose
 * return address lay in its slot: longjmp left them. Its place from now on. */
struct call *drop_stale(struct history *h, struct thread *t, struct call *next)
{
    uint64_t sp = next->sp, back = next->back;
    for (unsigned index = 0; back != NONE && index < t->open; index++) {
        const struct call *call = &t->calls[index];
        if (call->sp == sp && call->back != NONE && call->back != back) {
            cut(h, t, index, sp, NULL);
            t->calls[t->open] = *next;
            break;
        }
    }
    return &t->calls[t->open];
}

/* The call in the place behind the open ones is open as well; its place from now on. */
struct call *push_call(struct history *h, struct thread *t)
{
    if (t->open == MAX_OPEN) {
        struct call oldest = t->calls[0];
        memmove(&t->calls[0], &t->calls[1], MAX_OPEN * sizeof *t->calls);
        t->open--;
        block_abandon(h, t, &oldest);
    }
    return &t->calls[t->open++];
}

unsigned close_calls(struct history *h, struct thread *t, uint64_t sp, struct call *closed)
{
    for (unsigned index = 0; index < t->open; index++)
        if (t->calls[index].sp == sp)
            return cut(h, t, index, sp, closed);
    return 0;
}

/* Of calls in one slot, a tail jump's, the last one opened is the innermost. */
static struct call *last_at(struct thread *t, uint64_t sp)
{
    for (unsigned index = t->open; index; index--)
        if (t->calls[index - 1].sp == sp)
            return &t->calls[index - 1];
    return NULL;
}

/* The last opened of the calls whose return address lies at `slot`, unless another function's
 * frame lies there by now: it would return elsewhere. `back`: where the frame returns to. */
static struct call *last_in_slot(struct thread *t, uint64_t slot, uint64_t back, uint64_t *seen)
{
    struct call *found = NULL;
    for (unsigned index = 0; index < t->open; index++) {
        struct call *call = &t->calls[index];
        if (call->sp != slot || *seen >> index & 1)
            continue;
        *seen |= (uint64_t)1 << index;
        if (back == NONE || call->back == NONE || call->back == back)
            found = call;
    }
    return found;
}

/* With a cut stack: the nearest open call above what the stack could show. */
static struct call *nearest_above(struct thread *t, uint64_t sp, uint64_t highest)
{
    struct call *found = NULL;
    uint64_t seen = highest > sp ? highest : sp;
    for (unsigned index = 0; index < t->open; index++) {
        struct call *call = &t->calls[index];
        if (call->sp <= seen || call->sp - sp > SAME_STACK)
            continue;
        if (!found || call->sp < found->sp)
            found = call;
    }
    return found;
}

/* The innermost open call that contains what runs now at `sp`, or NULL. Proof is its slot in the
 * stack: there lies its return address, so it has not returned. */
struct call *call_around(struct thread *t, uint64_t sp, const struct frame_node *frame,
                         int32_t node)
{
    int is_whole = !frame && node == 0;
    uint64_t highest = 0, seen = 0;
    if (!t->open)
        return NULL;
    struct call *found = NULL;
    if ((frame || (node <= 0 && node != HISTORY_NO_STACK)) && (found = last_at(t, sp)))
        return found;
    for (unsigned index = 0; frame; index++) {
        const struct frame_node *outer = frame->parent ? &t->frames[frame->parent - 1] : NULL;
        uint64_t back = outer && index + 1 < MAX_FRAMES ? outer->pc : NONE;
        if (index < MAX_FRAMES) {
            highest = frame->slot > highest ? frame->slot : highest;
            if ((found = last_in_slot(t, frame->slot, back, &seen)))
                return found;
        }
        is_whole = !outer && frame->cut == 0;
        frame = outer;
    }
    return is_whole ? NULL : nearest_above(t, sp, highest);
}
