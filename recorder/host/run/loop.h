/* loop.h - what the host does while the target runs. */
#ifndef RECORDER_LOOP_H
#define RECORDER_LOOP_H

#include "host.h"

/* Until the first process has ended, or it is time to leave; then the others are let go. */
void host_loop(struct host *h);

#endif
