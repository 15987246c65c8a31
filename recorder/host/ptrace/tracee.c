/* ptrace/tracee.c - a process that is traced: its start, its end, and system calls in its name. */
#define _GNU_SOURCE /* memmem */
#include "tracee.h"
#include "inject.h"
#include "base/hold.h"
#include "proc/status.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS PTRACE_O_TRACEEXEC
#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

int tracee_seize(struct tracee *t, pid_t pid)
{
    *t = (struct tracee){.pid = pid, .mem = -1};
    return ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) == 0 ? 0 : -1;
}

/* Pass on what is no exec: signals as they come, group stops as they are. */
static bool resume(pid_t pid, int status)
{
    int event = status >> 16, number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP)
        return ptrace(PTRACE_LISTEN, pid, 0, 0) == 0;
    return ptrace(PTRACE_CONT, pid, 0, event ? 0 : number) == 0;
}

/* What it is made to call a filter that it has inherited may punish by death: that one is to look
 * away, where we may say so (CAP_SYS_ADMIN, and no filter of our own), until we let go. */
static bool watch_calls(pid_t pid)
{
    long options = OPTIONS | PTRACE_O_TRACESYSGOOD;
    return ptrace(PTRACE_SETOPTIONS, pid, 0, options | PTRACE_O_SUSPEND_SECCOMP) == 0 ||
           ptrace(PTRACE_SETOPTIONS, pid, 0, options) == 0;
}

/* Out of the execve. Until it is let go its signals wait in the kernel's queue. No step of one
 * instruction: its trap would be a signal, which undoes that the program ignores or blocks it. */
bool tracee_at_exec(struct tracee *t)
{
    const uint64_t all = ~UINT64_C(0);
    t->attached = true;
    t->has_called = false;
    t->syscall_at = 0;
    hold_begins();
    t->holds_signals = ptrace(PTRACE_GETSIGMASK, t->pid, sizeof t->mask, &t->mask) == 0 &&
                       ptrace(PTRACE_SETSIGMASK, t->pid, sizeof all, &all) == 0;
    return t->holds_signals && watch_calls(t->pid) && inject_to_syscall(t->pid) &&
           tracee_open_memory(t) == 0;
}

bool tracee_wait_exec(struct tracee *t)
{
    int status;
    for (;;) {
        if (waitpid(t->pid, &status, __WALL) < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        if (!WIFSTOPPED(status))
            return false;
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
            return tracee_at_exec(t);
        if (!resume(t->pid, status))
            return false;
    }
}

/* One that was killed while it stood: its parent waits in vain until its tracer has waited. */
void tracee_let_go(pid_t pid)
{
    int status;
    while (ptrace(PTRACE_DETACH, pid, 0, 0) != 0 && errno == ESRCH) {
        pid_t got = waitpid(pid, &status, __WALL);
        if ((got < 0 && errno != EINTR) || (got == pid && !WIFSTOPPED(status)))
            return;
    }
}

bool tracee_is_gone(const struct tracee *t)
{
    struct user_regs_struct regs; /* only SIGKILL ends a stop without us */
    return (t->attached && ptrace(PTRACE_GETREGS, tracee_standing(t), 0, &regs) != 0 &&
            errno == ESRCH) ||
           !status_has_memory(t->pid);
}

void tracee_detach(struct tracee *t)
{
    tracee_calls_end(t);
    if (t->attached && t->holds_signals)
        ptrace(PTRACE_SETSIGMASK, t->pid, sizeof t->mask, &t->mask);
    if (t->attached) {
        tracee_let_go(t->pid);
        hold_ends();
    }
    t->attached = t->holds_signals = false;
}

static void set_call(struct user_regs_struct *regs, long number, const uint64_t a[6])
{
    regs->rax = (uint64_t)number;
    regs->orig_rax = (uint64_t)-1; /* nothing to restart */
    regs->rdi = a[0];
    regs->rsi = a[1];
    regs->rdx = a[2];
    regs->r10 = a[3];
    regs->r8 = a[4];
    regs->r9 = a[5];
}

static const unsigned char syscall_bytes[2] = {0x0f, 0x05};

/* Without a vdso: with other bytes at the first instruction for one call. */
static bool call_where_it_stands(struct tracee *t, struct user_regs_struct *regs)
{
    unsigned char code[sizeof syscall_bytes];
    uint64_t at = regs->rip;
    bool done = tracee_read(t, at, code, sizeof code) &&
                tracee_write(t, at, syscall_bytes, sizeof code) && inject_call(t->pid, regs);
    return tracee_write(t, at, code, sizeof code) && done;
}

/* In our own vdso, as it lies in memory: the kernel has one for all. 0: nowhere. */
static uint64_t find_in_vdso(void)
{
    const char *ours = (const char *)getauxval(AT_SYSINFO_EHDR), *found = NULL;
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)ours;
    for (unsigned i = 0; ours != NULL && found == NULL && i < head->e_phnum; i++) {
        const Elf64_Phdr *segment = (const Elf64_Phdr *)(ours + head->e_phoff) + i;
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
            found = memmem(ours + segment->p_offset, segment->p_filesz, syscall_bytes,
                           sizeof syscall_bytes);
    }
    return found ? (uint64_t)(found - ours) : 0;
}

void tracee_know_vdso(struct tracee *t, uint64_t vdso)
{
    static uint64_t offset;
    unsigned char there[sizeof syscall_bytes];
    if (offset == 0)
        offset = find_in_vdso();
    if (vdso != 0 && offset != 0 && tracee_read(t, vdso + offset, there, sizeof there) &&
        memcmp(there, syscall_bytes, sizeof there) == 0)
        t->syscall_at = vdso + offset;
}

/* The registers that it has, of its own: kept from the first call on. */
static bool begin_calls(struct tracee *t)
{
    if (!t->has_called)
        t->has_called = ptrace(PTRACE_GETREGS, tracee_standing(t), 0, &t->regs) == 0 &&
                        (t->runner == 0 || inject_begin(t));
    return t->has_called;
}

bool tracee_calls_end(struct tracee *t)
{
    bool has = t->has_called;
    t->has_called = false;
    if (has && t->runner)
        return inject_end(t);
    return !has || ptrace(PTRACE_SETREGS, t->pid, 0, &t->regs) == 0;
}

static bool make_call(struct tracee *t, struct user_regs_struct *regs)
{
    if (t->syscall_at == 0)
        return call_where_it_stands(t, regs);
    regs->rip = t->syscall_at;
    return inject_call(tracee_standing(t), regs);
}

bool tracee_syscall(struct tracee *t, long number, const uint64_t arguments[6], const char *text,
                    unsigned text_at, int64_t *result)
{
    unsigned char under[256];
    uint64_t a[6], place = 0;
    size_t length = text ? strlen(text) + 1 : 0;
    memcpy(a, arguments, sizeof a);
    if (length > sizeof under || !begin_calls(t))
        return false;
    if (text) { /* below the red zone */
        place = ((t->regs.rsp - 128 - sizeof under) & ~UINT64_C(15));
        if (!tracee_read(t, place, under, length) || !tracee_write(t, place, text, length))
            return false;
        a[text_at] = place;
    }
    struct user_regs_struct regs = t->regs;
    set_call(&regs, number, a);
    bool done = make_call(t, &regs);
    *result = (int64_t)regs.rax;
    if (text)
        done = tracee_write(t, place, under, length) && done;
    return done;
}
