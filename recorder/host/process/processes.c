/* processes.c - the processes of the target, and what they share.
 *
 * A forked child finds the agent and the ring in its memory as its parent left them, and goes on
 * recording under its own number. What a process execs is planted anew, with a slice of the memory
 * file of its own.
 */
#define _GNU_SOURCE
#include "families.h"
#include "attach/attach.h"
#include "base/grow.h"
#include "mapped.h"
#include "lives.h"
#include "thread_names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETTLE_US 1000000

struct process *process_by(struct host *h, pid_t pid)
{
    for (size_t i = 0; i < h->process_count; i++)
        if (h->processes[i]->tracee.pid == pid)
            return h->processes[i];
    return NULL;
}

static struct process *add(struct host *h, pid_t pid)
{
    must(process_by(h, pid) == NULL, "a process is in the list once");
    struct process **list =
        with_room_for_one(h->processes, h->process_count, &h->process_room, 16, sizeof *list);
    if (list == NULL)
        return NULL;
    h->processes = list;
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->modules = calloc(MAX_MODULES, sizeof *p->modules);
    p->tracee = (struct tracee){.pid = pid, .mem = -1};
    p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return h->processes[h->process_count++] = p;
}

struct process *process_first(struct host *h, pid_t pid)
{
    struct process *p = add(h, pid);
    if (p != NULL && (p->family = family_new(h)) != NULL)
        p->family->processes = 1;
    h->first = pid;
    return p;
}

static void release(struct host *h, size_t index)
{
    struct process *p = h->processes[index];
    tracee_close(&p->tracee);
    if (p->pidfd >= 0)
        close(p->pidfd);
    mapped_free(p);
    names_forget(p);
    free(p->executable);
    free(p->modules);
    free(p->armed);
    free(p);
    h->processes[index] = h->processes[--h->process_count];
}

static void inherit(struct process *child, const struct process *parent)
{
    child->family = parent->family;
    child->family->processes++;
    child->image = parent->image;
    child->executable = parent->executable ? strdup(parent->executable) : NULL;
    child->entry = parent->entry;
    child->base = parent->base;
    child->hwcap2 = parent->hwcap2;
    child->area = parent->area;
    child->tables = parent->tables;
    child->module_count = parent->module_count;
    for (size_t i = 0; i < parent->module_count; i++) {
        child->modules[i] = parent->modules[i];
        child->modules[i]->shared++;
    }
    memcpy(child->areas, parent->areas, sizeof child->areas);
    child->phase = parent->phase;
    child->after_main = NO_HOOK;
    mapped_inherit(child, parent);
}

/* Whether each process is counted in its own family. */
static bool families_are_counted(const struct host *h)
{
    unsigned counted = 0, there = 0;
    for (unsigned i = 0; i < h->family_top; i++)
        counted += h->families[i].processes;
    for (size_t i = 0; i < h->process_count; i++)
        there += h->processes[i]->family != NULL;
    return counted == there;
}

static void announce(struct host *h, const struct process *child, pid_t parent)
{
    const struct process *from = process_by(h, parent);
    history_fork(h->history, (uint32_t)parent, (uint32_t)child->tracee.pid);
    if (from != NULL && from->forker != 0)
        history_regions_of(h->history, (uint32_t)parent, from->forker, (uint32_t)child->tracee.pid);
    life_child(h, child, parent);
}

bool process_has_code(const struct process *p, const struct tracee *memory)
{
    const struct code_area *first = &p->areas[0];
    struct code_head head;
    return tracee_read(memory, first->address, &head, sizeof head) && head.area == p->area &&
           head.stubs == first->stubs;
}

/* Whether `p` runs, and has no agent where its parent has it. Its number comes from the target's
 * memory: whoever else bears it is left alone. */
static bool is_stranger(const struct process *parent, const struct process *p)
{
    return !process_has_code(parent, &p->tracee) && !life_is_over(p);
}

struct process *process_forked(struct host *h, const struct process *parent, pid_t pid)
{
    struct process *child = process_by(h, pid);
    if (child != NULL)
        return child;
    child = add(h, pid);
    if (child == NULL)
        return NULL;
    tracee_open_memory(&child->tracee);
    if (is_stranger(parent, child)) {
        release(h, h->process_count - 1);
        return NULL;
    }
    inherit(child, parent);
    announce(h, child, parent->tracee.pid);
    for (size_t i = 0; i < child->module_count; i++)
        history_module(h->history, (uint32_t)pid, child->modules[i]->id, child->modules[i]->start,
                       child->modules[i]->end);
    uint64_t place = area_identity(child) + offsetof(struct identity, tables);
    tracee_write(&child->tracee, place, &child->tables, sizeof child->tables);
    return child;
}

/* The streams of one process, read to their end. Others may share the ring and run on. */
static void finish(struct host *h, struct process *p)
{
    drain(h, p, clock_look(&h->clock));
    drain(h, p, DRAIN_ALL);
    modules_forget(h, p);
}

struct process *process_executed(struct host *h, pid_t pid, pid_t former)
{
    struct process *p = process_by(h, pid);
    if (p != NULL) {
        finish(h, p);
        names_tell(h, p);
        family_leave(h, p->family);
    } else { /* a child that shared its parent's memory until now */
        const struct process *before = process_by(h, former);
        p = add(h, pid);
        if (p == NULL)
            return NULL;
        p->image = before ? before->image : 0;
        announce(h, p, former);
    }
    p->family = family_new(h);
    p->has_begun_image = true;
    if (p->family != NULL)
        p->family->processes = 1;
    p->image = ++h->images;
    must(families_are_counted(h), "each process is counted in its family");
    return p;
}

static void forget(struct host *h, size_t index)
{
    struct process *p = h->processes[index];
    finish(h, p);
    if (life_is_over(p))
        names_tell(h, p);
    mapped_end(h, p);
    life_ends(h, p);
    history_exit(h->history, (uint32_t)p->tracee.pid);
    family_leave(h, p->family);
    release(h, index);
    must(families_are_counted(h), "each process is counted in its family");
}

void processes_ended(struct host *h)
{
    for (size_t i = h->process_count; i-- > 0;) {
        struct process *p = h->processes[i];
        if (!life_is_over(p))
            continue;
        h->first_ended |= p->tracee.pid == h->first;
        forget(h, i);
    }
}

/* Those that are about to exec, or have only just begun, are waited for: a little. */
static void settle(struct host *h)
{
    for (unsigned waited = 0; waited < SETTLE_US; waited += 200) {
        bool settled = h->executing == 0;
        for (size_t i = 0; i < h->process_count; i++)
            settled &= life_is_over(h->processes[i]) || h->processes[i]->phase >= PHASE_MAIN;
        if (settled)
            return;
        if (!host_turn(h))
            usleep(200);
    }
}

void processes_leave(struct host *h)
{
    settle(h);
    h->leaving = true;
    while (h->process_count > 0) {
        struct process *p = h->processes[0];
        if (!life_is_over(p) && p->family != NULL)
            unplant(h, p);
        for (size_t i = 0; i < h->process_count; i++)
            if (h->processes[i] == p) {
                forget(h, i);
                break;
            }
    }
}

void processes_let_go(struct host *h)
{
    size_t left = h->process_count;
    h->leaving = true;
    for (unsigned i = 0; i < h->family_top; i++)
        if (h->families[i].used)
            h->families[i].area->recording = 0;
    for (unsigned i = 0; i < h->family_top; i++)
        if (h->families[i].used)
            h->families[i].area->host = HOST_GONE;
    if (left > 0)
        say_unseen(h, "processes",
                   "%zu process%s that the program had started still ran when it ended: what %s "
                   "did from then on is not recorded",
                   left, left == 1 ? "" : "es", left == 1 ? "it" : "they");
    while (h->process_count > 0)
        forget(h, h->process_count - 1);
}
