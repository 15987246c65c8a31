/* answers.c - what threads of the target ask. The asking thread waits for the answer. */
#include "modules/changes_stacks.h"
#include "program/execs.h"
#include "process/mapped.h"
#include "plant/overwritten.h"
#include "process/lives.h"
#include "proc/maps.h"
#include "reader.h"
#include "process/thread_names.h"
#include "drain/drain.h"
#include "drain/records.h"
#include "modules/modules.h"
#include "phases/phases.h"
#include "process/processes.h"
#include "process/who.h"
#include "program/follow.h"
#include "program/image.h"
#include "program/unexplained.h"
#include "area/areas.h"
#include "answers.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of all that is mapped, read when it is first asked for, and good as long as those who asked wait. */
static void answer_from_maps(struct maps *maps, pid_t pid, struct ask *ask)
{
    if (maps->list == NULL && !maps_read(maps, pid))
        return;
    const struct mapping *m = maps_at(maps, ask->a[0]);
    if (m != NULL && m->readable) {
        bool grows = strcmp(m->path, "[stack]") == 0 && m > maps->list;
        ask->answer[0] = grows ? m[-1].end : m->start;
        ask->answer[1] = m->end;
    }
}

static void answer_stack(struct maps *maps, pid_t pid, struct ask *ask)
{
    struct mapping m;
    ask->answer[0] = ask->answer[1] = 0;
    if (!map_at(pid, ask->a[0], &m) || strcmp(m.path, "[stack]") == 0) {
        answer_from_maps(maps, pid, ask);
    } else if (m.readable) {
        ask->answer[0] = m.start;
        ask->answer[1] = m.end;
    }
}

static bool may_be_a_stack(const struct mapping *m)
{
    return m->readable && m->writable && (m->path[0] != '/' || m->shared);
}

/* A pc is told: its function has found its caller at an address that the stack pointer did not lead
 * to. That is no stack unless the function changes stacks. */
static void answer_other_stack(const struct process *p, struct ask *ask)
{
    struct maps maps = {0};
    uint64_t pc = ask->a[1];
    ask->answer[0] = ask->answer[1] = 0;
    if (changes_stacks(module_around(p, pc), pc) && maps_read(&maps, p->tracee.pid)) {
        const struct mapping *m = maps_at(&maps, ask->a[0]);
        if (m != NULL && may_be_a_stack(m))
            answer_from_maps(&maps, p->tracee.pid, ask);
    }
    maps_free(&maps);
}

static void answer_one_stack(const struct process *p, struct ask *ask)
{
    struct maps maps = {0};
    if (ask->a[1] != 0)
        answer_other_stack(p, ask);
    else
        answer_stack(&maps, p->tracee.pid, ask);
    maps_free(&maps);
}

static void answer_mapped(const struct process *p, struct reader *r, const struct ask *ask)
{
    char link[48], path[4096];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", p->tracee.pid, (int)ask->a[2]);
    ssize_t length = readlink(link, path, sizeof path - 1);
    free(r->path);
    r->path = NULL;
    if (length > 0) {
        path[length] = 0;
        r->path = strdup(path);
    }
}

static void answer_libs(struct host *h, struct process *p)
{
    uint64_t begun = clock_now_ns();
    modules_update(h, p);
    for (size_t i = 0; i < p->module_count; i++)
        phases_watch(h, p, p->modules[i]);
    image_stood(h, begun);
}

static void answer(struct host *h, struct process *p, struct thread_state *t, struct reader *r)
{
    struct ask *ask = &t->ask;
    struct maps maps = {0};
    uint64_t now = event_ns(h, r, ask->time);
    switch ((enum ask_kind)ask->kind) {
    case ASK_MAPPED:
        answer_mapped(p, r, ask);
        break;
    case ASK_LIBS:
        answer_libs(h, p);
        break;
    case ASK_PHASE:
        phase_reached(h, p,
                      &(struct reached){ask->a[0], now, ask->a[2], (uint32_t)ask->a[1],
                                        node_of(h, r, (uint32_t)ask->a[3])});
        break;
    case ASK_EXEC:
        exec_begins(h, p, ask);
        break;
    case ASK_NO_EXEC:
        exec_fails(h, p, who_execs(p, (uint32_t)ask->a[0]));
        break;
    case ASK_EXIT:
        if (!ask->a[1])
            thread_named_now(h, r->pid, r->tid, now);
        if (ask->a[1]) {
            threads_named(h, r->pid, now);
            names_forget(p);
            mapped_last(h, p, &maps);
            overwritten_at_end(h, p);
        }
        if (ask->a[1] || r->tid == r->pid)
            life_exits(h, p, now, (int)(ask->a[0] & 0xff), ask->a[1] != 0, &maps);
        maps_free(&maps);
        break;
    case ASK_FORK: /* that everything before is drained matters as well */
        p->forker = r->tid;
        who_forks(p, ask->a[1]);
        break;
    case ASK_FORKED:
        p->forker = r->tid;
        process_forked(h, p, who_was_forked(p, (uint32_t)ask->a[0]));
        break;
    case ASK_START:
        ask->answer[0] = phase_start(h, p, ask->a[0], (uint32_t)ask->a[1]);
        break;
    case ASK_LIMIT:
        area_makes_room(h, p, ask->a, ask->answer);
        break;
    case ASK_STACK: /* without all this: answer_stacks */
    case ASK_NOTHING:
        break;
    }
}

/* ---- who asks ---- */

struct asker {
    struct thread_state *t;
    struct reader *r;
    uint64_t time;
};

static bool waits(const struct thread_state *t)
{
    uint32_t state = __atomic_load_n(&t->ask.state, __ATOMIC_ACQUIRE);
    return state == ASK_WAITING || state == ASK_ASLEEP;
}

static size_t askers(const struct family *f, struct asker *list)
{
    size_t count = 0;
    for (uint32_t w = 0; w < AREA_THREADS / 32; w++) {
        if (__atomic_load_n(&f->area->asking[w], __ATOMIC_RELAXED) == 0)
            continue;
        uint32_t bits = __atomic_exchange_n(&f->area->asking[w], 0, __ATOMIC_ACQUIRE);
        for (; bits != 0; bits &= bits - 1) {
            uint32_t index = w * 32 + (uint32_t)__builtin_ctz(bits);
            struct thread_state *t = thread_state(f, index);
            if (waits(t))
                list[count++] = (struct asker){t, &f->readers[index], t->ask.time};
        }
    }
    return count;
}

static int is_later(const void *one, const void *other)
{
    const struct asker *a = one, *b = other;
    return (a->time > b->time) - (a->time < b->time);
}

static void go_on(struct host *h, struct ask *ask)
{
    h->ask_count++;
    if (__atomic_exchange_n(&ask->state, ASK_ANSWERED, __ATOMIC_ACQ_REL) == ASK_ASLEEP)
        syscall(SYS_futex, &ask->state, FUTEX_WAKE, 1);
}

/* Threads that begin, all that began at once: nothing that was recorded matters for it. Returns how
 * many asked something else. */
static size_t answer_stacks(struct host *h, const struct family *f, struct asker *list,
                            size_t count)
{
    struct maps maps = {0};
    pid_t read_of = 0;
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        struct ask *ask = &list[i].t->ask;
        pid_t pid = (pid_t)list[i].t->pid;
        if (ask->kind != ASK_STACK || ask->a[1] != 0 || f->has_others ||
            process_by(h, pid) == NULL) {
            list[others++] = list[i];
            continue;
        }
        if (read_of != pid) {
            maps_free(&maps);
            maps = (struct maps){0};
            read_of = pid;
        }
        answer_stack(&maps, pid, ask);
        go_on(h, ask);
    }
    maps_free(&maps);
    return others;
}

/* Everything that was recorded before a question goes before its answer. */
static void answer_other(struct host *h, struct process *p, const struct asker *asker)
{
    struct ask *ask = &asker->t->ask;
    clock_look(&h->clock);
    drain(h, p, ask->time ? ask->time : DRAIN_ALL - 1);
    struct process *owner = process_by(h, (pid_t)asker->r->pid);
    if (owner != NULL && owner->family == p->family) {
        if (ask->kind == ASK_STACK)
            answer_one_stack(owner, ask);
        else if (ask->kind <= ASK_LIMIT)
            answer(h, owner, asker->t, asker->r);
    } else {
        ask->answer[0] = ask->answer[1] = 0;
        if (ask->kind == ASK_EXEC) /* its numbers mean others here: that is said */
            exec_begins(h, p, ask);
    }
    go_on(h, ask);
}

void answers_give(struct host *h, struct process *p)
{
    static struct asker list[AREA_THREADS];
    struct family *f = p->family;
    if (f == NULL)
        return;
    uint32_t asks = __atomic_load_n(&f->area->asks, __ATOMIC_ACQUIRE);
    if (asks == f->asks_seen)
        return;
    f->asks_seen = asks;
    size_t count = answer_stacks(h, f, list, askers(f, list));
    qsort(list, count, sizeof *list, is_later);
    for (size_t i = 0; i < count; i++)
        answer_other(h, p, &list[i]);
}
