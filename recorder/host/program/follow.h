/* follow.h - the files of code of a process, kept up with: those that are new are announced, hooked and
 * unwound, gone ones forgotten. */
#ifndef RECORDER_FOLLOW_H
#define RECORDER_FOLLOW_H

#include "host.h"

/* Look at the mappings again. */
void modules_update(struct host *h, struct process *p);
void modules_update_by(struct host *h, struct process *p, const struct maps *maps);
/* The same while p->deferred is set: nothing of the target is touched, it may run. */
void modules_plan(struct host *h, struct process *p);

#endif
