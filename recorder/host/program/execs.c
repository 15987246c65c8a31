/* execs.c - threads that are about to exec (execs.h). */
#include "execs.h"
#include "image.h"
#include "proc/privileges.h"
#include "proc/status.h"
#include "process/thread_names.h"
#include "process/processes.h"
#include "process/who.h"
#include "ends.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* In which process it was; 0: it is none of them. */
static pid_t is_over(struct host *h, pid_t tid)
{
    for (unsigned i = 0; i < h->executing; i++) {
        pid_t process = h->execs[i].process;
        if (h->execs[i].tid != tid)
            continue;
        h->execs[i] = h->execs[--h->executing];
        return process;
    }
    return 0;
}

static pid_t tracer_of(pid_t tid)
{
    return (pid_t)status_number(tid, "TracerPid");
}

/* Numbers of threads come from the target. */
static bool has_our_code(const struct process *p, pid_t tid)
{
    struct tracee thread = {.pid = tid, .mem = -1};
    bool has = tracee_open_memory(&thread) == 0 && process_has_code(p, &thread);
    tracee_close(&thread);
    return has;
}

/* ---- which program ---- */

static bool read_text(const struct tracee *t, uint64_t at, char *text, size_t room)
{
    size_t got = tracee_read_some(t, at, text, room - 1);
    text[got] = 0;
    return got > 0 && strlen(text) < room - 1;
}

/* Its path, and where we find the same file. */
struct program {
    char name[4096], path[4200];
};

static bool find_program(const struct process *p, const struct ask *ask, pid_t tid,
                         struct program *out)
{
    bool at = ask->a[0] == SYS_execveat;
    int folder = at ? (int)ask->a[2] : AT_FDCWD;
    if (!read_text(&p->tracee, at ? ask->a[3] : ask->a[2], out->name, sizeof out->name)) {
        if (!at || folder < 0)
            return false;
        out->name[0] = 0; /* AT_EMPTY_PATH: the descriptor itself */
    }
    if (out->name[0] == '/')
        snprintf(out->path, sizeof out->path, "/proc/%d/root%s", tid, out->name);
    else if (folder == AT_FDCWD)
        snprintf(out->path, sizeof out->path, "/proc/%d/cwd/%s", tid, out->name);
    else
        snprintf(out->path, sizeof out->path, "/proc/%d/fd/%d%s%s", tid, folder,
                 out->name[0] ? "/" : "", out->name);
    return true;
}

/* A shell tries the folders of PATH one after the other: most of its execs fail. */
static bool will_fail(const struct program *program)
{
    struct stat status;
    return stat(program->path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* ---- following it ---- */

/* 0: its number here is not known. */
static bool is_gone(pid_t tid)
{
    return tid != 0 && !status_has_memory(tid);
}

static const char *why_not(const struct host *h, const struct process *p, pid_t tid,
                           const struct program *program)
{
    if (h->executing == MAX_EXECS)
        return "too many programs begin at once";
    if (!has_our_code(p, tid))
        return "its thread is not found";
    if (program != NULL && gives_privileges(tid, program->path) && !may_trace_privileged())
        return "it has privileges that it would lose if it was traced; root may trace it";
    if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXEC) == 0)
        return NULL;
    if (tracer_of(tid) != 0)
        return "another program traces it";
    return "it may not be traced: it has become another user; root may trace it";
}

void exec_begins(struct host *h, struct process *p, const struct ask *ask)
{
    struct program program;
    pid_t tid = who_execs(p, (uint32_t)ask->a[1]);
    if (h->leaving)
        return;
    names_exec_begins(p, tid);
    bool found = find_program(p, ask, tid, &program);
    const char *problem = why_not(h, p, tid, found ? &program : NULL);
    if (problem == NULL) {
        h->execs[h->executing++] = (struct exec_begun){tid, p->tracee.pid};
    } else if (is_gone(tid)) {
        return; /* killed before its program began: nothing of it is missed */
    } else if (!found || !will_fail(&program)) {
        /* in a child that is not found the name may be another: it is its parent's memory */
        bool is_its_name = found && has_our_code(p, tid);
        say_unfollowed(h, p, is_its_name ? program.name : "", problem);
        p->is_unclear = true;
    }
}

void exec_fails(struct host *h, struct process *p, pid_t tid)
{
    int status;
    names_exec_fails(p, tid);
    if (is_over(h, tid) == 0 || ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0)
        return;
    while (waitpid(tid, &status, __WALL) > 0 && WIFSTOPPED(status)) {
        int event = status >> 16;
        if (event == PTRACE_EVENT_STOP) {
            tracee_let_go(tid);
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
    struct process *p = process_executed(h, pid, process ? process : first);
    if (p == NULL) {
        say_lost(h, 1, "a program that began was not followed: no memory");
        tracee_let_go(pid);
        return;
    }
    if (p->family == NULL)
        say_unfollowed(h, p, "", "too many programs run at once");
    else if (tracee_at_exec(&p->tracee) && !h->leaving) {
        image_begin(h, p);
        return;
    }
    if (h->leaving)
        memset(p->areas, 0, sizeof p->areas);
    tracee_detach(&p->tracee);
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
