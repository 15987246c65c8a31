/* drain.h - records of all threads out of the rings, for the history, in the order of their times. */
#ifndef RECORDER_DRAIN_H
#define RECORDER_DRAIN_H

#include "host.h"

/* Everything recorded up to the time stamp `limit`; false: there was nothing.
 * All of its family's; DRAIN_ALL: the rest of `p` alone, of which nothing more will come. */
#define DRAIN_ALL UINT64_MAX
bool drain(struct host *h, struct process *p, uint64_t limit);
struct thread_state *thread_state(const struct family *f, uint32_t index);

#endif
