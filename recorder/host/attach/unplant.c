/* unplant.c - remove our code from a running process, which goes on as if it had never been there.
 *
 * First every byte of the program's code is restored; from then on no call begins in the agent.
 * Threads that are still inside, or will return to it, run on for some milliseconds, and are looked
 * at again. When none is left, the areas go.
 */
#include "attach.h"
#include "code/detour.h"
#include "program/image.h"
#include "ptrace/inject.h"
#include "stopped/inside.h"
#include "plant/overwritten.h"
#include "area/areas.h"
#include "plant/hooks.h"
#include "process/lives.h"
#include "process/processes.h"
#include "say.h"

#include <string.h>
#include <unistd.h>

#define ROUNDS 60
#define SAVED_ROUNDS 20
#define SAVED_NS 250000000 /* 0.25 s in all: each reads the memory of the target, which stands */
#define LONGEST_REST_US 50000

static void only_pass_through(struct host *h, const struct process *p, const char *why)
{
    if (p->family == NULL) /* it began a program that nothing was planted in */
        return;
    p->family->area->recording = 0;
    p->family->area->host = HOST_GONE;
    say_note(h, "the recorder's code stays in process %d, and does nothing any more: %s",
             (int)p->tracee.pid, why);
}

static void take_away(struct host *h, struct process *p, const struct threads *threads,
                      struct inside inside)
{
    struct tracee *t = &p->tracee;
    t->runner = threads_runner(threads);
    size_t open_calls = inside.waiting > inside.returning ? inside.waiting : inside.returning;
    if (inside.standing + inside.saved == 0 && !inside.unsearched)
        for (uint32_t i = 0; i < p->family->hook_count; i++)
            hook_undo_padding(p, i);
    if (inside.standing > 0)
        only_pass_through(h, p, "a thread stands in it");
    else if (inside.saved > 0)
        only_pass_through(h, p,
                          "saved contexts of coroutines, or what looks like them, lead there");
    else if (inside.unsearched)
        only_pass_through(h, p,
                          "its memory could not be searched whole for saved contexts of "
                          "coroutines that may lead there");
    else if (!inject_prepare(t) || !areas_take_away(h, p, inside.areas))
        only_pass_through(h, p, "the memory could not be unmapped");
    else if (open_calls > 0)
        say_note(h,
                 "calls of an allocator that have not returned in process %d: %zu; a page of code "
                 "stays that they return through",
                 (int)t->pid, open_calls);
    t->runner = 0;
}

/* Run on, and be looked at again; answers are given meanwhile. */
static bool run_on(struct host *h, struct process *p, struct threads *threads, unsigned round,
                   uint64_t *begun)
{
    unsigned rest = 500u << (round < 8 ? round : 8);
    p->tracee.attached = false;
    threads_run(threads);
    image_stood(h, *begun);
    attach_rest(h, rest < LONGEST_REST_US ? rest : LONGEST_REST_US);
    bool stopped = attach_stop_threads(h, p, threads, begun);
    p->tracee.attached = stopped;
    return stopped;
}

/* What nobody runs now may be run in a moment, or be what was left on a stack that is used again. */
static bool may_get_out(const struct inside *inside, unsigned round, uint64_t *searched_ns)
{
    if (inside->standing || inside->returning)
        return true;
    *searched_ns += inside->searched_ns;
    return (inside->saved || inside->waiting) && !inside->unsearched && round < SAVED_ROUNDS &&
           *searched_ns < SAVED_NS;
}

/* False: it has ended, or begun another program, which we see begin only where it is followed. Nothing
 * of ours is left in it then. */
static bool is_there(const struct process *p)
{
    return p->areas[0].address != 0 && !life_is_over(p) && process_has_code(p, &p->tracee);
}

void unplant(struct host *h, struct process *p)
{
    struct threads threads = {0};
    if (p->areas[0].address == 0)
        return;
    if (p->phase < PHASE_MAIN) {
        only_pass_through(h, p, "it has only just started");
        return;
    }
    uint64_t begun, searched_ns = 0;
    if (!attach_stop(h, p, &threads, &begun)) {
        if (is_there(p))
            only_pass_through(h, p, threads.problem);
        return;
    }
    if (!is_there(p)) {
        attach_go_on(h, p, &threads, begun);
        return;
    }
    overwritten_at_end(h, p);
    p->is_unplanted = true;
    for (uint32_t i = 0; i < p->family->hook_count; i++)
        hook_undo(p, i);
    bool last = !threads_can_run(&threads), stopped = true;
    struct inside inside = inside_look(h, p, &threads, last);
    for (unsigned round = 0; !last && may_get_out(&inside, round, &searched_ns); round++) {
        stopped = run_on(h, p, &threads, round, &begun);
        if (!stopped || !is_there(p))
            break;
        last = round == ROUNDS || !threads_can_run(&threads);
        p->tracee.runner = threads_runner(&threads);
        inside = inside_look(h, p, &threads, last);
    }
    if (stopped && is_there(p))
        take_away(h, p, &threads, inside);
    else if (is_there(p))
        only_pass_through(h, p, threads.problem);
    attach_go_on(h, p, &threads, begun);
}
