/* thread_names.h - what threads are called, as they end. */
#ifndef RECORDER_THREAD_NAMES_H
#define RECORDER_THREAD_NAMES_H

#include "host.h"

/* A thread has ended with that name; "": it is not known. */
void thread_named(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns,
                  const char name[THREAD_NAME]);

/* The same of one that is about to end: it is looked at. */
void thread_named_now(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns);

/* Those of a process that is about to end. */
void threads_named(struct host *h, uint32_t pid, uint64_t t_ns);

/* `tid` is about to exec. Where it is a thread of `p` that ends all of them, unless the exec fails: they
 * are looked at now, and told only then. A child that shares the memory (vfork) ends none. */
void names_exec_begins(struct process *p, pid_t tid);
void names_exec_fails(struct process *p, pid_t tid);
/* It has exec'd, or ended without a word that it had not. */
void names_tell(struct host *h, struct process *p);
void names_forget(struct process *p);

#endif
