/* bounds.h - the memory of stacks that may be read (bounds.c), and steps from one to the next. */
#ifndef RECORDER_AGENT_BOUNDS_H
#define RECORDER_AGENT_BOUNDS_H

#include "event.h"
#include "unwind.h"

/* The stack that is read now; a thread's are those that it stands on, but for a walk to its callers. */
static inline struct answer bounds_now(const struct thread_state *t)
{
    return (struct answer){t->stack_low, t->stack_high};
}

void bounds_set(struct thread_state *, struct answer);

/* Read the stack around `sp` from now on; 0: there is none. */
int bounds_around(struct thread_state *, uint64_t sp);

/* unwind_step() within them. Where the code of the frame sets the stack pointer itself, and the frame
 * is not found by it, the caller may stand on another stack: that one is read from then on. Such a
 * step is of the kind UNWIND_SIGNAL: what is remembered of one stack says nothing of another. */
int bounds_step(struct thread_state *, const struct unwind_tables *, struct unwind_state *,
                uint64_t *slot);
/* The rest of it, where unwind_step() came to `result` and a slot that is on no known stack. */
AGENT_COLD int bounds_cross(struct thread_state *, const struct unwind_tables *,
                            struct unwind_state *, uint64_t *slot, int result);

#endif
