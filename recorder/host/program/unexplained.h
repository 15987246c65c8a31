/* unexplained.h - what a process has mapped when it ends, and no call that was seen explains (mapped.h). */
#ifndef RECORDER_UNEXPLAINED_H
#define RECORDER_UNEXPLAINED_H

#include "host.h"

/* It is about to end, and the thread that ends it stands: what is there that no call explains?
 * *maps, to be freed: its mappings, where they were read and are still the same. */
void mapped_last(struct host *h, struct process *p, struct maps *maps);
/* It has ended: say so. */
void mapped_end(struct host *h, struct process *p);

#endif
