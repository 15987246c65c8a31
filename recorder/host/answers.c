/* answers.c - what threads of the target ask. The asking thread stands still until it is told. */
#include "changes_stacks.h"
#include "execs.h"
#include "mapped.h"
#include "overwritten.h"
#include "lives.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool may_be_a_stack(const struct mapping *m)
{
    return m->readable && m->writable && (m->path[0] != '/' || m->shared);
}

/* Where a pc is told, its function has found its caller at an address that the stack pointer did not
 * lead to. That is no stack unless the function changes stacks. */
static void answer_stack(struct host *h, struct ask *ask)
{
    struct maps maps;
    uint64_t pc = ask->a[1];
    ask->answer[0] = ask->answer[1] = 0;
    if (pc != 0 && !changes_stacks(module_around(h, pc), pc))
        return;
    if (maps_read(&maps, h->process->tracee.pid)) {
        const struct mapping *m = maps_at(&maps, ask->a[0]);
        if (m != NULL && m->readable && (pc == 0 || may_be_a_stack(m))) {
            bool grows = strcmp(m->path, "[stack]") == 0 && m > maps.list;
            ask->answer[0] = grows ? m[-1].end : m->start;
            ask->answer[1] = m->end;
        }
    }
    maps_free(&maps);
}

static void answer_mapped(struct host *h, struct reader *r, const struct ask *ask)
{
    char link[48], path[4096];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", h->process->tracee.pid, (int)ask->a[2]);
    ssize_t length = readlink(link, path, sizeof path - 1);
    free(r->path);
    r->path = NULL;
    if (length > 0) {
        path[length] = 0;
        r->path = strdup(path);
    }
}

static void answer_libs(struct host *h)
{
    modules_update(h);
    for (size_t i = 0; i < h->process->module_count; i++)
        borders_watch(h, h->process->modules[i]);
}

static void answer(struct host *h, struct thread_state *t, struct reader *r)
{
    struct ask *ask = &t->ask;
    uint64_t now = event_ns(h, r, ask->time);
    switch ((enum ask_kind)ask->kind) {
    case ASK_STACK:
        answer_stack(h, ask);
        break;
    case ASK_MAPPED:
        answer_mapped(h, r, ask);
        break;
    case ASK_LIBS:
        answer_libs(h);
        break;
    case ASK_BORDER:
        border_reached(h, &(struct reached){ask->a[0], now, ask->a[2], (uint32_t)ask->a[1],
                                            node_of(h, r, (uint32_t)ask->a[3])});
        break;
    case ASK_EXEC:
        exec_begins(h, ask);
        break;
    case ASK_NO_EXEC:
        exec_fails(h, (pid_t)ask->a[0]);
        break;
    case ASK_EXIT:
        if (ask->a[1]) {
            mapped_last(h, h->process);
            overwritten_at_end(h);
        }
        if (ask->a[1] || r->tid == r->pid)
            life_exits(h, now, (int)(ask->a[0] & 0xff), ask->a[1] != 0);
        break;
    case ASK_FORK:
        break; /* that everything before is drained was all */
    case ASK_FORKED:
        process_forked(h, (pid_t)ask->a[0]);
        break;
    case ASK_START:
        ask->answer[0] = border_start(h, ask->a[0], (uint32_t)ask->a[1]);
        break;
    case ASK_NOTHING:
        break;
    }
}

static bool is_live(const struct host *h, uint32_t index)
{
    return __atomic_load_n(&h->family->area->threads[index / 32], __ATOMIC_ACQUIRE) >> index % 32 &
           1;
}

static void serve_owner(struct host *h, uint32_t pid)
{
    struct process *p = process_by(h, (pid_t)pid);
    if (p != NULL)
        serve(h, p);
}

/* Everything that was recorded before a question goes before its answer. */
void answers_give(struct host *h)
{
    struct family *f = h->family;
    if (f == NULL)
        return;
    uint32_t asks = __atomic_load_n(&f->area->asks, __ATOMIC_ACQUIRE);
    if (asks == f->asks_seen)
        return;
    f->asks_seen = asks;
    for (uint32_t i = 0; i < AREA_THREADS; i++) {
        struct thread_state *t = thread_state(h, i);
        if (!is_live(h, i) || __atomic_load_n(&t->ask.state, __ATOMIC_ACQUIRE) != ASK_WAITING)
            continue;
        clock_look(&h->clock);
        drain(h, t->ask.time ? t->ask.time : DRAIN_ALL - 1);
        h->ask_count++;
        serve_owner(h, f->readers[i].pid);
        if (h->family == f && t->ask.kind <= ASK_START)
            answer(h, t, &f->readers[i]);
        __atomic_store_n(&t->ask.state, ASK_ANSWERED, __ATOMIC_RELEASE);
    }
}
