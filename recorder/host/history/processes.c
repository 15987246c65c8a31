/* history/processes.c - processes and threads: what is known of them, and how they change. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#define NO_PROCESS UINT32_MAX

void history_start(struct history *h, uint32_t pid, uint64_t started)
{
    h->start = started;
    h->has_start = 1;
    h->stamp++;
    h->last = NULL;
    if (h->process_count == 1 && !h->processes[0].is_gone)
        h->processes[0].pid = pid;
    else
        process_of(h, pid);
}

static void forget_open(struct history *h, struct thread *t)
{
    for (uint32_t index = 0; index < t->open; index++)
        block_forget(h, t, &t->calls[index]);
    t->open = 0;
    t->born = 0;
    h->stamp++;
    t->syscall_seq = NONE;
}

static void forget_frames(struct thread *t)
{
    t->frame_count = 0;
    if (t->ids)
        memset(t->ids, 0, t->id_count * sizeof *t->ids);
}

/* The thread is in none any more: it begins or ends, or its program does. */
static void leave_regions(struct thread *t)
{
    free(t->regions);
    t->regions = NULL;
    t->region_depth = t->region_room = t->region = 0;
    t->regions_beyond = 0;
}

static void forget(struct history *h, struct thread *t)
{
    forget_open(h, t);
    forget_frames(t);
    leave_regions(t);
    t->latest = 0;
}

static struct thread *make_thread(struct history *h, uint32_t tid)
{
    h->last = NULL; /* the array may move */
    if (h->thread_count >= MAX_THREADS) {
        h->unmatched[BEYOND_LIMIT]++;
        return NULL;
    }
    if (grow(h, (void **)&h->threads, &h->thread_room, h->thread_count + 1, sizeof *h->threads))
        return NULL;
    struct thread *t = &h->threads[h->thread_count];
    *t = (struct thread){.tid = tid, .process = NO_PROCESS, .syscall_seq = NONE};
    if (table_put(&h->thread_of, tid, h->thread_count + 1)) {
        h->failed = 1;
        return NULL;
    }
    h->thread_count++;
    return t;
}

struct thread *find_thread(struct history *h, uint32_t pid, uint32_t tid)
{
    struct process *p = process_of(h, pid);
    uint32_t number = p ? table_get(&h->thread_of, tid) : 0;
    struct thread *t = number ? &h->threads[number - 1] : p ? make_thread(h, tid) : NULL;
    if (!t)
        return NULL;
    uint32_t process = (uint32_t)(p - h->processes);
    if (t->process != process) {
        forget(h, t);
        t->process = process;
    }
    t->pid = pid;
    h->last = t;
    return t;
}

/* As thread_of, but NULL where the thread did nothing yet. */
struct thread *known_thread(struct history *h, uint32_t pid, uint32_t tid)
{
    if (h->last && h->last->tid == tid)
        return thread_of(h, pid, tid);
    return table_get(&h->thread_of, tid) ? thread_of(h, pid, tid) : NULL;
}

void history_thread(struct history *h, uint32_t pid, uint32_t tid)
{
    struct thread *t = known_thread(h, pid, tid);
    if (t) {
        forget_open(h, t);
        leave_regions(t);
    }
}

void thread_free(struct thread *t)
{
    free(t->calls);
    free(t->frames);
    free(t->ids);
    leave_regions(t);
    t->calls = NULL;
    t->frames = NULL;
    t->ids = NULL;
    t->open = t->room = t->frame_count = t->frame_room = t->id_count = 0;
}

static void end_thread(struct history *h, struct thread *t)
{
    while (t->open) {
        struct call last = t->calls[--t->open];
        block_abandon(h, t, &last);
    }
    thread_free(t);
}

void history_thread_end(struct history *h, uint32_t pid, uint32_t tid)
{
    struct thread *t = known_thread(h, pid, tid);
    if (t)
        end_thread(h, t);
}

/* exec: the memory of the old program is gone; its calls never return. */
void history_image(struct history *h, uint32_t pid, uint64_t index)
{
    struct process *p = process_of(h, pid);
    if (!p || p->image == index)
        return;
    for (uint32_t at = 0; at < h->thread_count; at++)
        if (h->threads[at].process == p - h->processes)
            forget(h, &h->threads[at]);
    live_end(h, p);
    blocks_free(p);
    h->stamp++;
    p->image = index;
    p->own = 0;
    p->phase = 0;
    p->begun_phase = -1;
    p->brk = HISTORY_UNKNOWN;
    p->module_count = 0;
}

void history_phase(struct history *h, uint32_t pid, unsigned phase, uint64_t brk)
{
    struct process *p = process_of(h, pid);
    if (!p || phase >= PHASES || (int)phase <= p->begun_phase)
        return;
    h->stamp++;
    p->phase = phase;
    p->begun_phase = (int)phase;
    if (brk != HISTORY_UNKNOWN)
        p->brk = brk;
}

/* ---- children ---- */

static int copy_modules(struct history *h, const struct process *from, struct process *to)
{
    to->module_count = 0;
    if (grow(h, (void **)&to->modules, &to->module_room, from->module_count, sizeof *to->modules))
        return -1;
    if (from->module_count)
        memcpy(to->modules, from->modules, from->module_count * sizeof *to->modules);
    to->module_count = from->module_count;
    return 0;
}

void history_fork(struct history *h, uint32_t parent, uint32_t child)
{
    if (parent == child || !process_of(h, parent))
        return;
    history_exit(h, child); /* an earlier one of that number */
    struct process *to = process_of(h, child);
    struct process *from = process_of(h, parent);
    if (!to || !from)
        return;
    to = &h->processes[h->process_count - 1]; /* the array may have moved */
    to->image = from->image;
    to->phase = from->phase;
    to->begun_phase = from->begun_phase;
    to->unloads = from->unloads;
    to->brk = from->brk;
    if (!copy_modules(h, from, to))
        blocks_copy(h, from, to);
}

struct history_copies history_copies(struct history *h, uint32_t child)
{
    const struct process *p = process_of(h, child);
    return p ? p->copies : (struct history_copies){0, 0};
}

void history_exit(struct history *h, uint32_t pid)
{
    for (uint32_t index = 0; index < h->process_count; index++) {
        struct process *p = &h->processes[index];
        if (p->pid != pid || p->is_gone)
            continue;
        for (uint32_t at = 0; at < h->thread_count; at++)
            if (h->threads[at].process == index)
                end_thread(h, &h->threads[at]);
        p->is_gone = 1;
        h->last = NULL;
        write_blocks(h, p);
        blocks_free(p);
        free(p->modules);
        p->modules = NULL;
        p->module_count = p->module_room = 0;
    }
}
