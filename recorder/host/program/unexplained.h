/* unexplained.h - what a process has mapped when it ends, and no call that was seen explains (mapped.h). */
#ifndef RECORDER_UNEXPLAINED_H
#define RECORDER_UNEXPLAINED_H

#include "host.h"

/* It is about to end, and the thread that ends it stands: what is there that no call explains? */
void mapped_last(struct host *h, struct process *p);
/* It has ended: say so. */
void mapped_end(struct host *h, struct process *p);

#endif
