/* loop.c - what the host does while the target runs: answer, take records out, rest. */
#include "host.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/* Stops of the thread that execs: the exec itself, or a signal to be passed on. */
static void look_at_tracee(struct host *h)
{
    int status;
    pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
    if (pid <= 0 || !WIFSTOPPED(status))
        return;
    if (status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
        int event = status >> 16;
        bool group = event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
        ptrace(group ? PTRACE_LISTEN : PTRACE_CONT, pid, 0, event ? 0 : WSTOPSIG(status));
        return;
    }
    h->executing--;
    process_executed(h, pid);
    if (h->family == NULL)
        say_lost(h, 1, "too many programs at once: one of them is not recorded");
    else if (tracee_at_exec(&h->process->tracee) && !h->leaving) {
        image_begin(h);
        return;
    }
    if (h->leaving)
        memset(h->process->areas, 0, sizeof h->process->areas);
    tracee_detach(&h->process->tracee);
}

static bool drain_all_families(struct host *h)
{
    uint64_t limit = clock_look(&h->clock);
    bool busy = false;
    for (size_t i = 0; i < h->process_count; i++) {
        struct process *p = h->processes[i];
        if (p->family != NULL && !p->family->drained) {
            serve(h, p);
            busy |= drain(h, limit);
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
    for (size_t i = 0; i < h->process_count; i++) {
        serve(h, h->processes[i]);
        answers_give(h);
    }
    if (h->executing)
        look_at_tracee(h);
    bool busy = drain_all_families(h);
    return busy;
}

static void announce_detached(struct host *h)
{
    serve(h, process_by(h, h->first));
    json_begin(&h->end_state, "end");
    json_text(&h->end_state, "kind", "detached");
    json_number(&h->end_state, "t_ns", clock_now_ns());
    border_state(h, &h->end_state);
    h->has_end_state = true;
}

void host_loop(struct host *h)
{
    while (!h->first_ended && !h->left_alone) {
        bool busy = host_turn(h);
        processes_ended(h);
        host_rest(h, busy);
    }
    if (!h->attached) {
        processes_let_go(h);
        return;
    }
    if (!h->first_ended)
        announce_detached(h);
    processes_leave(h);
}
