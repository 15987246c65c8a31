/* threads.c - stopping all threads of a process, and letting them go (threads.h). */
#include "threads.h"
#include "base/grow.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_US 100
#define ERESTARTNOHAND 514 /* linux/errno.h: begin again, unless a handler runs */

/* ---- the list ---- */

static struct thread *find(struct threads *t, pid_t tid)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].tid == tid)
            return &t->list[i];
    return NULL;
}

static struct thread *append(struct threads *t, pid_t tid)
{
    struct thread *list = with_room_for_one(t->list, t->count, &t->room, 64, sizeof *list);
    if (list == NULL)
        return NULL;
    t->list = list;
    t->list[t->count] = (struct thread){.tid = tid};
    return &t->list[t->count++];
}

static bool problem(struct threads *t, pid_t tid, const char *what)
{
    t->problem = what;
    t->culprit = tid;
    return false;
}

/* ---- one thread ---- */

static bool has_ended(pid_t pid, pid_t tid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = 0;
    const char *behind = strrchr(text, ')');
    return behind == NULL || behind[1] == 0 || strchr("ZX", behind[2]) != NULL;
}

static bool seize(struct threads *t, pid_t tid)
{
    if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) != 0) {
        int error = errno;
        if (error == ESRCH || has_ended(t->pid, tid))
            return true;
        errno = error;
        return problem(t, tid, "ptrace is not permitted");
    }
    return append(t, tid) != NULL || problem(t, tid, "no memory");
}

/* These calls end with EINTR whenever they are woken (signal(7)), even where no handler runs. The
 * kernel is told to begin them again in that case, as it does with all others by itself; with a
 * timeout, all of it is waited for anew. */
static bool ends_early(uint64_t number)
{
    static const uint16_t those[] = {SYS_epoll_wait,
                                     SYS_epoll_pwait,
                                     441 /* epoll_pwait2 */,
                                     SYS_rt_sigtimedwait,
                                     SYS_semop,
                                     SYS_semtimedop,
                                     SYS_io_getevents,
                                     SYS_read,
                                     SYS_readv,
                                     SYS_recvfrom,
                                     SYS_recvmsg,
                                     SYS_recvmmsg,
                                     SYS_accept,
                                     SYS_accept4,
                                     SYS_connect,
                                     SYS_write,
                                     SYS_writev,
                                     SYS_sendto,
                                     SYS_sendmsg,
                                     SYS_sendmmsg,
                                     SYS_sendfile,
                                     333 /* io_pgetevents */,
                                     426 /* io_uring_enter */};
    for (size_t i = 0; i < sizeof those / sizeof *those; i++)
        if (number == those[i])
            return true;
    return false;
}

static void begin_again(pid_t tid)
{
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, tid, 0, &regs) != 0 || (int64_t)regs.rax != -EINTR ||
        !ends_early(regs.orig_rax))
        return;
    regs.rax = (uint64_t)-ERESTARTNOHAND;
    ptrace(PTRACE_SETREGS, tid, 0, &regs);
}

/* A stop that waitpid told of. A signal is delivered first: the thread then stops before its
 * handler's first instruction. */
static void stopped(struct thread *thread, int status)
{
    int event = status >> 16;
    if (event == PTRACE_EVENT_STOP) {
        thread->stopped = true;
        thread->grouped = WSTOPSIG(status) != SIGTRAP;
        begin_again(thread->tid);
        return;
    }
    ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0); /* any other stop takes its place */
    ptrace(PTRACE_CONT, thread->tid, 0, event ? 0 : WSTOPSIG(status));
}

/* ---- all of them ---- */

static bool seize_new(struct threads *t, size_t *added)
{
    char path[32];
    struct dirent *entry;
    size_t before = t->count;
    bool well = true;
    snprintf(path, sizeof path, "/proc/%d/task", t->pid);
    DIR *folder = opendir(path);
    while (well && folder != NULL && (entry = readdir(folder)) != NULL) {
        pid_t tid = atoi(entry->d_name);
        if (tid > 0 && find(t, tid) == NULL)
            well = seize(t, tid);
    }
    if (folder == NULL)
        return problem(t, t->pid, "it has ended");
    closedir(folder);
    *added = t->count - before;
    return well;
}

/* Whether all stand. Those that have ended are dropped. */
static bool look(struct threads *t)
{
    bool all = true;
    for (size_t i = t->count; i-- > 0;) {
        int status;
        if (t->list[i].stopped)
            continue;
        pid_t got = waitpid(t->list[i].tid, &status, __WALL | WNOHANG);
        if (got == t->list[i].tid && WIFSTOPPED(status))
            stopped(&t->list[i], status);
        else if (got != 0 && !(got < 0 && errno == EINTR))
            t->list[i] = t->list[--t->count];
        all &= i >= t->count || t->list[i].stopped;
    }
    return all;
}

static bool wait_for_all(struct threads *t)
{
    for (unsigned waited = 0; !look(t); waited++) {
        if (waited * LOOK_US >= t->patience_ms * 1000u)
            return false;
        usleep(LOOK_US);
    }
    return true;
}

static void interrupt(struct threads *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].stopped)
            ptrace(PTRACE_INTERRUPT, t->list[i].tid, 0, 0);
}

static pid_t first_running(const struct threads *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].stopped)
            return t->list[i].tid;
    return t->pid;
}

static bool stop(struct threads *t)
{
    size_t added;
    do {
        if (!seize_new(t, &added))
            return false;
        interrupt(t);
        t->waits = !wait_for_all(t);
        if (t->waits)
            return problem(t, first_running(t),
                           "a thread waits in a system call that cannot be "
                           "interrupted (vfork, or a disk)");
    } while (added > 0);
    if (t->count == 0)
        return problem(t, t->pid, "it has ended");
    return find(t, t->pid) != NULL || problem(t, t->pid, "its main thread has ended");
}

bool threads_stop(struct threads *t, pid_t pid)
{
    t->pid = pid;
    t->waits = false;
    if (stop(t))
        return true;
    int error = errno;
    if (t->waits)
        threads_run(t);
    else
        threads_let_go(t);
    errno = error;
    return false;
}

void threads_run(struct threads *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].stopped && !t->list[i].grouped) {
            t->list[i].stopped = false;
            ptrace(PTRACE_CONT, t->list[i].tid, 0, 0);
        }
}

void threads_let_go(struct threads *t)
{
    interrupt(t);
    for (size_t i = 0; i < t->count; i++) {
        struct thread *thread = &t->list[i];
        for (unsigned tries = 0; !thread->stopped && tries < 20; tries++) {
            int status;
            if (waitpid(thread->tid, &status, __WALL | WNOHANG) == thread->tid &&
                WIFSTOPPED(status))
                stopped(thread, status);
            else
                usleep(LOOK_US);
        }
        ptrace(PTRACE_DETACH, thread->tid, 0, 0);
    }
    free(t->list);
    t->list = NULL;
    t->count = t->room = 0;
}

pid_t threads_runner(const struct threads *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].grouped)
            return t->list[i].tid;
    return t->count ? t->list[0].tid : 0;
}

bool threads_can_run(const struct threads *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].grouped)
            return true;
    return false;
}
