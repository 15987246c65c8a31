/* processes.c - the processes of the target, and what they share.
 *
 * A forked child finds the agent and the ring in its memory as its parent left them, and goes on
 * recording under its own number. What a process execs is planted anew, with a slice of the memory
 * file of its own.
 */
#define _GNU_SOURCE
#include "families.h"
#include "base/grow.h"
#include "mapped.h"
#include "lives.h"
#include "proc/numbers.h"
#include "thread_names.h"
#include "area/areas.h"
#include "plant/hooks.h"
#include "processes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

void process_numbers(struct process *p)
{
    p->told = numbers_are_ours(p->tracee.pid) ? 0 : number_own(p->tracee.pid);
    if (p->told != 0 && p->family != NULL)
        p->family->has_others = true;
}

struct process *process_first(struct host *h, pid_t pid)
{
    struct process *p = add(h, pid);
    if (p != NULL && (p->family = family_new(h)) != NULL)
        p->family->processes = 1;
    if (p != NULL)
        process_numbers(p);
    h->first = pid;
    return p;
}

void process_release(struct host *h, size_t index)
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
    child->size = parent->size;
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
        process_release(h, h->process_count - 1);
        return NULL;
    }
    inherit(child, parent);
    child->is_unclear = life_is_over(child); /* its parent is slow to tell of it */
    if (child->family->has_others)
        process_numbers(child);
    announce(h, child, parent->tracee.pid);
    for (size_t i = 0; i < child->module_count; i++)
        history_module(h->history, (uint32_t)pid, child->modules[i]->id, child->modules[i]->start,
                       child->modules[i]->end);
    uint64_t place = area_identity(child) + offsetof(struct identity, tables);
    tracee_write(&child->tracee, place, &child->tables, sizeof child->tables);
    return child;
}

struct process *process_beside(struct host *h, pid_t pid, pid_t former)
{
    const struct process *before = process_by(h, former);
    struct process *p = add(h, pid);
    if (p == NULL)
        return NULL;
    p->image = before ? before->image : 0;
    announce(h, p, former);
    return p;
}
