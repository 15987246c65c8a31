/* turn.c - one turn of the host: questions answered, execs looked at, records taken out. */
#include "turn.h"
#include "answers.h"
#include "drain/drain.h"
#include "program/execs.h"
#include "rest.h"

static bool drain_all_families(struct host *h)
{
    uint64_t limit = clock_look(&h->clock);
    bool busy = false;
    for (size_t i = 0; i < h->process_count; i++) {
        struct process *p = h->processes[i];
        if (p->family != NULL && !p->family->drained) {
            busy |= drain(h, p, limit);
            p->family->drained = true;
        }
    }
    for (size_t i = 0; i < h->process_count; i++)
        if (h->processes[i]->family != NULL)
            h->processes[i]->family->drained = false;
    return busy;
}

bool host_turn(struct host *h)
{
    h->stops_seen = rest_stops();
    for (size_t i = 0; i < h->process_count; i++)
        answers_give(h, h->processes[i]);
    if (h->executing)
        execs_look(h);
    bool busy = drain_all_families(h);
    return busy;
}
