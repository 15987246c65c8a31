/* lives.h - records of how processes begin and end. */
#ifndef RECORDER_LIVES_H
#define RECORDER_LIVES_H

#include "host.h"

/* `p` has begun a program. */
void life_image(struct host *h, struct process *p, uint64_t t_ns);
/* `child` was forked by `parent`, whose blocks the history has copied for it. */
void life_child(struct host *h, const struct process *child, pid_t parent);
/* `p`, or one thread of it, is about to exit. `known`: as phase_state has it. */
void life_exits(struct host *h, struct process *p, uint64_t t_ns, int status, bool whole,
                const struct maps *known);
/* `p` is gone, or is not watched any longer. */
void life_ends(struct host *h, struct process *p);
/* Whether it has ended: it may not have been waited for. */
bool life_is_over(const struct process *p);
/* How it ended, as wait(2) gives it; false: nobody tells (any more). */
bool life_status(const struct process *p, int *status);

#endif
