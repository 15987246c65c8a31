/* paths.h - a thread's nodes by their path: the words of all frames from the outermost to theirs.
 *
 * Where a program comes to one place in many ways, their stacks begin alike, and what is remembered of
 * the place in `buckets` is a few of them. A stack that was unwound is found here, so that the host is
 * told of it once. A path is a hash, which proves nothing: who asks compares every word.
 */
#ifndef BRKPOINT_AGENT_PATHS_H
#define BRKPOINT_AGENT_PATHS_H

#include "event.h"

/* The path of a frame, from the path of the frame outside, or from what lies there: never 0. */
static inline uint32_t path_of(uint32_t outer, uint64_t slot, uint64_t pc)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15); /* odd, its bits well spread */
    uint64_t own = (slot * factor + pc) * factor;         /* the next frame need not wait for it */
    uint32_t path = ((own ^ own >> 32 ^ outer) * factor) >> 32;
#if defined AGENT_CHECKED && AGENT_CHECKED == 3 /* alike, as hashes of others may be by chance */
    path &= 0xfff;
#endif
    return path ? path : 1;
}

/* The path of what lies outside of a run: of a node, or none. */
static inline uint32_t paths_outside_of(const struct thread_state *t, uint32_t outer)
{
    return outer != 0 && !(outer & NODE_CUT) ? nodes_of(t)[outer].path : outer;
}

#define PATHS_LINE 16u /* places in a line of memory */

static inline uint32_t *paths_table(const struct thread_state *t)
{
    uint64_t at = WORD_OF(has_steps(t) ? MEMO_FIRST : MEMO_FEW);
    if (t->paths > PATHS_FEW)
        at = PATHS_MANY_AT;
    return (uint32_t *)((char *)t + at);
}

/* The line that a path leads to. There is a table. */
static inline uint32_t *paths_line(const struct thread_state *t, uint32_t path)
{
    return paths_table(t) + (path & (t->paths - 1) & ~(PATHS_LINE - 1));
}

/* The node with that path, and the one outside, whose chain holds, and whose innermost word and rbp
 * are these; 0: none. */
uint32_t paths_find(const struct thread_state *, uint32_t path, uint32_t outer,
                    const struct memo_word *, uint64_t bp);
/* The node has got its path, the one outside has `outer`. Where the table is full, another one may go. */
void paths_add(struct thread_state *, uint32_t node, uint32_t outer);
/* The table is made, or made larger, when there are many nodes for it. */
void paths_grow(struct thread_state *);

#endif
