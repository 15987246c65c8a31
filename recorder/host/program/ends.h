/* ends.h - a program of a process ends, by an exec or for good. */
#ifndef RECORDER_ENDS_H
#define RECORDER_ENDS_H

#include "host.h"

/* `pid` has exec'd; until then it had the memory of `former`. NULL: no memory to follow it. */
struct process *process_executed(struct host *h, pid_t pid, pid_t former);
/* The one at that place of the list has ended, or nothing more of it is recorded. */
void process_forget(struct host *h, size_t index);
/* Those that have ended are drained and forgotten. */
void processes_ended(struct host *h);

#endif
