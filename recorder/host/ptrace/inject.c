/* inject.c - a system call executed by a stopped thread of a running process (inject.h). */
#define _GNU_SOURCE /* memmem */
#include "inject.h"
#include "proc/maps.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define MOST_CODE (UINT64_C(16) << 20) /* bytes of one mapping that are looked through */

/* ---- the instruction ---- */

static uint64_t find_in(const struct tracee *t, const struct mapping *m)
{
    uint64_t size = m->end - m->start, found = 0;
    size = size < MOST_CODE ? size : MOST_CODE;
    char *code = malloc(size);
    size_t got = code ? tracee_read_some(t, m->start, code, size) : 0;
    const char *at = got ? memmem(code, got, "\x0f\x05", 2) : NULL;
    if (at != NULL)
        found = m->start + (uint64_t)(at - code);
    free(code);
    return found;
}

static bool is_prepared(const struct tracee *t)
{
    char there[2];
    return t->syscall_at != 0 && tracee_read(t, t->syscall_at, there, sizeof there) &&
           memcmp(there, "\x0f\x05", sizeof there) == 0;
}

bool inject_prepare(struct tracee *t)
{
    struct maps maps;
    if (is_prepared(t))
        return true;
    t->syscall_at = 0;
    if (maps_read(&maps, t->pid))
        for (int vdso = 1; vdso >= 0; vdso--)
            for (size_t i = 0; i < maps.count && t->syscall_at == 0; i++) {
                const struct mapping *m = &maps.list[i];
                if (m->executable && m->readable && (strcmp(m->path, "[vdso]") == 0) == vdso &&
                    strcmp(m->path, "[vsyscall]") != 0)
                    t->syscall_at = find_in(t, m);
            }
    maps_free(&maps);
    return t->syscall_at != 0;
}

/* ---- the call ---- */

enum stop { STOP_SYSCALL, STOP_TRAP };

static bool is_wanted(int status, enum stop wanted)
{
    if (wanted == STOP_SYSCALL)
        return status >> 8 == (SIGTRAP | 0x80); /* PTRACE_O_TRACESYSGOOD */
    return status >> 16 == PTRACE_EVENT_STOP;
}

/* On to the next such stop. Of signals only SIGSTOP and SIGKILL come through. */
static bool go(pid_t tid, int request, enum stop wanted)
{
    int status, number = 0;
    for (;;) {
        if (ptrace(request, tid, 0, number) != 0)
            return false;
        while (waitpid(tid, &status, __WALL) < 0)
            if (errno != EINTR)
                return false;
        if (!WIFSTOPPED(status))
            return false;
        if (is_wanted(status, wanted))
            return true;
        number = status >> 16 ? 0 : WSTOPSIG(status);
        if (wanted == STOP_TRAP)
            ptrace(PTRACE_INTERRUPT, tid, 0, 0);
    }
}

bool inject_to_syscall(pid_t tid)
{
    return go(tid, PTRACE_SYSCALL, STOP_SYSCALL);
}

bool inject_begin(struct tracee *t)
{
    uint64_t all = ~UINT64_C(0);
    return ptrace(PTRACE_GETSIGMASK, t->runner, sizeof t->mask, &t->mask) == 0 &&
           ptrace(PTRACE_SETSIGMASK, t->runner, sizeof all, &all) == 0;
}

bool inject_call(pid_t tid, struct user_regs_struct *regs)
{
    return ptrace(PTRACE_SETREGS, tid, 0, regs) == 0 && inject_to_syscall(tid) &&
           inject_to_syscall(tid) && ptrace(PTRACE_GETREGS, tid, 0, regs) == 0;
}

/* The last stop is one that the kernel leaves as it leaves for a signal: what it does then for a
 * system call that is to begin again is done for the registers that the thread gets back. */
bool inject_end(struct tracee *t)
{
    bool done =
        ptrace(PTRACE_INTERRUPT, t->runner, 0, 0) == 0 && go(t->runner, PTRACE_CONT, STOP_TRAP);
    done = ptrace(PTRACE_SETREGS, t->runner, 0, &t->regs) == 0 && done;
    return ptrace(PTRACE_SETSIGMASK, t->runner, sizeof t->mask, &t->mask) == 0 && done;
}
