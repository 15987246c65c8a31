/* leaving.h - ending before the target does: brkpoint has asked for it, or has died. */
#ifndef RECORDER_LEAVING_H
#define RECORDER_LEAVING_H

#include "host.h"

/* From now on. `go`: an end of a pipe whose other one brkpoint holds as long as it lives. */
void leaving_begin(struct host *h, int go);
/* In a process that goes on where we were killed: to the end of what was recorded until then. */
void leaving_as_heir(void);

#endif
