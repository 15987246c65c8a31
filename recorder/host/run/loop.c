/* loop.c - what the host does while the target runs: answer, take records out, rest. */
#include "program/execs.h"
#include "turn/rest.h"
#include "attach/attach.h"
#include "phases/phases.h"
#include "process/lives.h"
#include "process/processes.h"
#include "program/ends.h"
#include "loop.h"
#include "say.h"
#include "turn/turn.h"

#include <unistd.h>

#define SETTLE_US 1000000
#define LINGER_NS 200000000 /* 0.2 s */

static void announce_detached(struct host *h)
{
    json_begin(&h->end_state, "end");
    json_text(&h->end_state, "kind", "detached");
    json_number(&h->end_state, "t_ns", clock_now_ns());
    phase_state(process_by(h, h->first), &h->end_state, NULL);
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

/* ---- the end ---- */

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

static void leave_all(struct host *h)
{
    if (!h->leaving)
        settle(h);
    h->leaving = true;
    while (h->process_count > 0) {
        struct process *p = h->processes[0];
        if (!life_is_over(p) && p->family != NULL)
            unplant(h, p);
        for (size_t i = 0; i < h->process_count; i++)
            if (h->processes[i] == p) {
                process_forget(h, i);
                break;
            }
    }
}

static void let_go(struct host *h)
{
    size_t left = h->process_count;
    h->leaving = true;
    for (unsigned i = 0; i < h->family_top; i++)
        if (h->families[i].used)
            h->families[i].area->recording = 0;
    for (unsigned i = 0; i < h->family_top; i++)
        if (h->families[i].used)
            h->families[i].area->host = HOST_GONE;
    if (left > 0 && h->first_ended)
        say_unseen(h, "processes",
                   "%zu process%s that the program had started still ran when it ended: what %s "
                   "did from then on is not recorded",
                   left, left == 1 ? "" : "es", left == 1 ? "it" : "they");
    while (h->process_count > 0)
        process_forget(h, h->process_count - 1);
}

void host_loop(struct host *h)
{
    while (!h->first_ended && !h->left_alone)
        turn_and_rest(h);
    if (!h->attached) {
        linger(h);
        let_go(h);
        return;
    }
    if (!h->first_ended)
        announce_detached(h);
    leave_all(h);
}
