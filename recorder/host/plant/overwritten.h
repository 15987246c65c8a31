/* overwritten.h - a program that writes over the entries of allocator functions while it runs, as
 * profilers and MPI libraries do: it is left as it is, and said. */
#ifndef RECORDER_OVERWRITTEN_H
#define RECORDER_OVERWRITTEN_H

#include "host.h"

/* `p` made [start, start + length) writable. */
void overwritten_soon(struct host *h, const struct process *p, uint64_t start, uint64_t length);
/* It is about to end, or to be left: is what was written there still there? */
void overwritten_at_end(struct host *h, struct process *p);

#endif
