/* ring_owner.h - whose a ring is, for tests that have one `process` and nothing else of the host: every
 * number means that one. */
#ifndef RECORDER_TESTS_RING_OWNER_H
#define RECORDER_TESTS_RING_OWNER_H

#include "host/drain/drain.h"
#include "host/plant/overwritten.h"
#include "host/process/processes.h"
#include "host/process/who.h"

struct process *process_forked(struct host *h, const struct process *parent, pid_t pid)
{
    (void)h, (void)parent;
    return pid ? &process : NULL;
}

pid_t who_records(struct host *h, const struct process *known, const struct thread_state *t)
{
    (void)h, (void)known;
    return (pid_t)t->pid;
}

uint32_t who_thread(struct host *h, const struct process *p, uint32_t own)
{
    (void)h, (void)p;
    return own;
}

void overwritten_soon(struct host *h, const struct process *p, uint64_t start, uint64_t length)
{
    (void)h, (void)p, (void)start, (void)length;
}

#endif
