/* processes.h - the processes of the target: who there is, and what a child has of its parent. */
#ifndef RECORDER_PROCESSES_H
#define RECORDER_PROCESSES_H

#include "host.h"

/* NULL: there is none of that number. */
struct process *process_by(struct host *h, pid_t pid);
/* The process that brkpoint started, before its exec. */
struct process *process_first(struct host *h, pid_t pid);
/* The child `pid` that `parent` has forked; the one that there is, or a new one. NULL: it is none. */
struct process *process_forked(struct host *h, const struct process *parent, pid_t pid);
/* The child `pid` that shared the memory of `former` until its exec just now. NULL: no memory. */
struct process *process_beside(struct host *h, pid_t pid, pid_t former);
/* Whether the agent stands in that memory where `p` has it. */
bool process_has_code(const struct process *p, const struct tracee *memory);
/* It runs another program, or is new: see whether it is told other numbers than we are. */
void process_numbers(struct process *p);
/* The one at that place of the list is no longer followed; its family is left already. */
void process_release(struct host *h, size_t index);

#endif
