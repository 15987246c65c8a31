/* loop.c - what the host does while the target runs: answer, take records out, rest. */
#include "program/execs.h"
#include "turn/rest.h"

#define LINGER_NS 200000000 /* 0.2 s */

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

static void announce_detached(struct host *h)
{
    json_begin(&h->end_state, "end");
    json_text(&h->end_state, "kind", "detached");
    json_number(&h->end_state, "t_ns", clock_now_ns());
    border_state(process_by(h, h->first), &h->end_state);
    h->has_end_state = true;
}

static void turn_and_rest(struct host *h)
{
    bool busy = host_turn(h);
    processes_ended(h);
    host_rest(h, busy);
}

/* Children that end soon after their parent are seen to their end; a daemon is not waited for. */
static void linger(struct host *h)
{
    uint64_t until = clock_now_ns() + LINGER_NS;
    while (h->process_count > 0 && !h->left_alone && clock_now_ns() < until)
        turn_and_rest(h);
}

void host_loop(struct host *h)
{
    while (!h->first_ended && !h->left_alone)
        turn_and_rest(h);
    if (!h->attached) {
        linger(h);
        processes_let_go(h);
        return;
    }
    if (!h->first_ended)
        announce_detached(h);
    processes_leave(h);
}
