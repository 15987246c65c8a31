/* execs.h - threads that are about to exec: we are their tracer until they have, or could not. */
#ifndef RECORDER_EXECS_H
#define RECORDER_EXECS_H

#include "host.h"

/* A thread of `p`, or of a child that borrows its memory, is about to exec: ASK_EXEC. */
void exec_begins(struct host *h, struct process *p, const struct ask *ask);
/* It could not. */
void exec_fails(struct host *h, struct process *p, pid_t tid);
/* Look for one that has stopped: at its exec, or for a signal that is to be passed on. */
void execs_look(struct host *h);

#endif
