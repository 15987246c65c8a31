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

struct process *process_executed(struct host *h, pid_t pid, pid_t former)
{
    struct process *p = process_by(h, pid);
    if (p != NULL) {
        finish(h, p);
        names_tell(h, p);
        family_leave(h, p->family);
    } else {
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

void processes_ended(struct host *h)
{
    for (size_t i = h->process_count; i-- > 0;) {
        struct process *p = h->processes[i];
        if (!life_is_over(p))
            continue;
        h->first_ended |= p->tracee.pid == h->first;
        process_forget(h, i);
    }
}
