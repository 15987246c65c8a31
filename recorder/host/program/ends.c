/* ends.c - a program of a process ends, by an exec or for good: what it recorded is read to its end, and
 * what is left to say of it is said. */
#include "ends.h"
#include "base/clock.h"
#include "drain/drain.h"
#include "process/families.h"
#include "process/lives.h"
#include "process/processes.h"
#include "process/thread_names.h"
#include "modules/modules.h"
#include "unexplained.h"

#include <poll.h>

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

/* The streams of one process, read to their end. Others may share the ring and run on. */
static void finish(struct host *h, struct process *p)
{
    drain(h, p, clock_look(&h->clock));
    drain(h, p, DRAIN_ALL);
    modules_forget(h, p);
}

/* Until its exec it was a thread of its parent's memory, known by a number of its own. */
static void leave_threads(const struct process *parent, pid_t pid)
{
    const struct family *f = parent ? parent->family : NULL;
    if (f == NULL || f->area->thread_by != THREAD_BY_NUMBER)
        return;
    for (uint32_t i = 0; i < AREA_THREADS && i < f->area->threads_top; i++) {
        struct thread_state *t = thread_state(f, i);
        if (t->tid == (uint32_t)pid && t->pid != t->tid && t->use == THREAD_LIVE)
            __atomic_store_n(&t->use, THREAD_GONE, __ATOMIC_RELEASE);
    }
}

struct process *process_executed(struct host *h, pid_t pid, pid_t former)
{
    struct process *p = process_by(h, pid);
    if (p != NULL) {
        finish(h, p);
        names_tell(h, p);
        family_leave(h, p->family);
    } else {
        leave_threads(process_by(h, former), pid);
        p = process_beside(h, pid, former);
        if (p == NULL)
            return NULL;
    }
    p->family = family_new(h);
    p->has_begun_image = true;
    if (p->family != NULL)
        p->family->processes = 1;
    process_numbers(p);
    p->image = ++h->images;
    must(families_are_counted(h), "each process is counted in its family");
    return p;
}

void process_forget(struct host *h, size_t index)
{
    struct process *p = h->processes[index];
    finish(h, p);
    if (life_is_over(p))
        names_tell(h, p);
    mapped_end(h, p);
    life_ends(h, p);
    history_exit(h->history, (uint32_t)p->tracee.pid);
    family_leave(h, p->family);
    process_release(h, index);
    must(families_are_counted(h), "each process is counted in its family");
}

#define AT_ONCE 64

/* Those from `from` on, `count` of them: asked in one system call, as it is done in each turn. */
static void look_at_ends(struct host *h, size_t from, size_t count)
{
    struct pollfd list[AT_ONCE];
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct pollfd){h->processes[from + i]->pidfd, POLLIN, 0};
        any |= list[i].fd < 0;
    }
    if (poll(list, count, 0) <= 0 && !any)
        return;
    for (size_t i = from + count; i-- > from;) {
        if (list[i - from].fd >= 0 && list[i - from].revents == 0)
            continue;
        struct process *p = h->processes[i];
        if (!life_is_over(p))
            continue;
        h->first_ended |= p->tracee.pid == h->first;
        process_forget(h, i);
    }
}

void processes_ended(struct host *h)
{
    for (size_t end = h->process_count; end > 0;) {
        size_t count = end < AT_ONCE ? end : AT_ONCE;
        end -= count;
        look_at_ends(h, end, count);
    }
}
