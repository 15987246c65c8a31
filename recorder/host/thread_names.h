/* thread_names.h - what threads are called, as they end. */
#ifndef RECORDER_THREAD_NAMES_H
#define RECORDER_THREAD_NAMES_H

#include "host.h"

/* A thread has ended with that name; "": it is not known. */
void thread_named(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns,
                  const char name[THREAD_NAME]);

/* The same of one that is about to end: it is looked at. */
void thread_named_now(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns);

/* Those of a process that is about to end, or to exec. */
void threads_named(struct host *h, uint32_t pid, uint64_t t_ns);

#endif
