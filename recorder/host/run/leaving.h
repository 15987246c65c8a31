/* leaving.h - an end before the target's: brkpoint has asked for it, or has died. */
#ifndef RECORDER_LEAVING_H
#define RECORDER_LEAVING_H

#include "host.h"

/* From now on. `go`: an end of a pipe whose other one brkpoint holds as long as it lives. */
void leaving_begin(struct host *h, int go);
/* A thread of the target stands and is being changed: this must come to its end. */
void leaving_holds(void);
void leaving_lets_go(void);
/* The families' areas are others now: in each the target sees that we have died, if we do. */
void leaving_tells(struct host *h);

#endif
