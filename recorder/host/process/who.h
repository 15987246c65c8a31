/* who.h - which process and thread a number means that comes from the target. Almost always it is the
 * same number here; in a PID namespace of its own a program is told others. */
#ifndef RECORDER_WHO_H
#define RECORDER_WHO_H

#include "host.h"

/* From 1 above the greatest number of a thread (PID_MAX_LIMIT of linux/threads.h, doubled) on: threads of
 * another namespace that were over before their number here could be found. */
#define WHO_NAMELESS (UINT32_C(1) << 23)

/* A thread of `p` is about to fork, with these flags of clone(2). */
void who_forks(struct process *p, uint64_t flags);
/* Whose thread state that is. `known`: one of its family. 0: it is not found. */
pid_t who_records(struct host *h, const struct process *known, const struct thread_state *t);
/* The number here of the thread that calls itself `own`, of the process `p`. */
uint32_t who_thread(struct host *h, const struct process *p, uint32_t own);
/* The same, also of a child that borrows the memory of `p`; 0: it is not found. */
pid_t who_execs(const struct process *p, uint32_t own);
/* The child that `p` was told to have. */
pid_t who_was_forked(const struct process *p, uint32_t number);

#endif
