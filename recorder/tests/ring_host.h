/* ring_host.h - what the rest of the host would do, for tests that read a ring of one process and have
 * nothing else of the host. Left to each: hook_id_at(), by which it looks on. */
#ifndef RECORDER_TESTS_RING_HOST_H
#define RECORDER_TESTS_RING_HOST_H

#include "host/plant/overwritten.h"
#include "host/drain/drain.h"
#include "host/drain/records.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define PID 1

static struct host host;
static struct family family;
static struct process process;

#include "ring_owner.h"

void say_lost(struct host *h, uint64_t count, const char *reason)
{
    (void)h, (void)count;
    printf("lost: %s\n", reason);
}

struct process *process_by(struct host *h, pid_t pid)
{
    (void)h;
    return pid == PID ? &process : NULL;
}

void phase_by_stack(struct host *h, struct process *p, uint32_t node, uint64_t t_ns)
{
    (void)h, (void)p, (void)node, (void)t_ns;
}

/* The history's records go nowhere. */
static int take(void *owner, enum spool_kind kind, const void *payload, size_t length)
{
    (void)owner, (void)kind, (void)payload, (void)length;
    return 0;
}

/* The state of the one thread of the one process, which records in `area`; its hook 0 is malloc's. */
__attribute__((unused)) static struct thread_state *begin_in(struct area_head *area)
{
    area->threads[0] = 1;
    host.spool.fd = open("/dev/null", O_WRONLY);
    process = (struct process){.tracee = {PID, -1, false}, .family = &family};
    family.area = area;
    family.used = true;
    family.readers = calloc(AREA_THREADS, sizeof *family.readers);
    family.hooks[0] = (struct hook){.address = 0x1000, .names = 1, .spool_id = {1}};
    family.hook_count = 1;
    host.history = history_new(take, NULL);
    assert(stacks_begin(&host.stacks) && host.history && family.readers);
    clock_begin(&host.clock);
    history_start(host.history, PID, 0);
    history_hook(host.history, 1, "malloc", "malloc");
    struct thread_state *t = thread_state(&family, 0);
    t->use = THREAD_LIVE;
    t->pid = t->tid = PID;
    t->first_chunk = 1;
    return t;
}

#endif
