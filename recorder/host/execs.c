/* execs.c - threads that are about to exec (execs.h). */
#include "execs.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define MAX_EXECS 256 /* at one moment */

/* A thread, and the process whose memory it has until then. */
static struct {
    pid_t tid, process;
} list[MAX_EXECS];

/* In which process it was; 0: it is none of them. */
static pid_t is_over(struct host *h, pid_t tid)
{
    for (unsigned i = 0; i < h->executing; i++) {
        pid_t process = list[i].process;
        if (list[i].tid != tid)
            continue;
        list[i] = list[--h->executing];
        return process;
    }
    return 0;
}

/* Numbers of threads come from the target, and in a PID namespace mean others. */
static bool has_our_code(const struct process *p, pid_t tid)
{
    struct tracee thread = {.pid = tid, .mem = -1};
    bool has = tracee_open_memory(&thread) == 0 && process_has_code(p, &thread);
    tracee_close(&thread);
    return has;
}

void exec_begins(struct host *h, pid_t tid)
{
    const char *problem = NULL;
    if (h->leaving)
        return;
    if (h->executing == MAX_EXECS)
        problem = "too many at once";
    else if (!has_our_code(h->process, tid))
        problem = "its thread is not found (is it in a PID namespace of its own?)";
    else if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXEC) != 0)
        problem = "somebody else traces the program";
    if (problem != NULL) {
        char text[128] = "an exec could not be followed: ";
        say_lost(h, 1, strncat(text, problem, sizeof text - strlen(text) - 1));
        return;
    }
    list[h->executing].tid = tid;
    list[h->executing++].process = h->process->tracee.pid;
}

void exec_fails(struct host *h, pid_t tid)
{
    int status;
    if (is_over(h, tid) == 0 || ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0)
        return;
    while (waitpid(tid, &status, __WALL) > 0 && WIFSTOPPED(status)) {
        int event = status >> 16;
        if (event == PTRACE_EVENT_STOP) {
            ptrace(PTRACE_DETACH, tid, 0, 0);
            return;
        }
        ptrace(PTRACE_CONT, tid, 0, event ? 0 : WSTOPSIG(status));
    }
}

/* All other threads of it are gone, also its first, whose number it has now. */
static void executed(struct host *h, pid_t pid)
{
    unsigned long former = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &former);
    pid_t first = is_over(h, pid), process = is_over(h, (pid_t)former);
    process_executed(h, pid, process ? process : first);
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

static void stopped(struct host *h, pid_t pid, int status)
{
    int event = status >> 16;
    bool group = event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
    if (!WIFSTOPPED(status))
        is_over(h, pid); /* it has died */
    else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
        executed(h, pid);
    else
        ptrace(group ? PTRACE_LISTEN : PTRACE_CONT, pid, 0, event ? 0 : WSTOPSIG(status));
}

void execs_look(struct host *h)
{
    int status;
    pid_t pid;
    while (h->executing > 0 && (pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
        stopped(h, pid, status);
}
