/* tracee.h - a process of the target as ptrace and /proc give it: memory, registers, and system
 * calls that it is made to execute. Errors: -1 with errno, or false.
 */
#ifndef RECORDER_TRACEE_H
#define RECORDER_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct tracee {
    pid_t pid;
    int mem;            /* /proc/PID/mem, or -1 */
    bool attached;      /* ptrace is on, and the process stands still */
    bool holds_signals; /* all are blocked while it stands; `mask` is its own */
    uint64_t mask;
    /* Of a process that ran already (threads.h): the thread that executes system calls.
     * 0: the process stands at its first instruction. */
    pid_t runner;
    uint64_t syscall_at; /* address of a syscall instruction; 0: none is known */
    bool has_called; /* for us: its registers, and the runner's signals, were `regs` and `mask` */
    struct user_regs_struct regs;
};

/* The thread that ptrace is asked about. */
static inline pid_t tracee_standing(const struct tracee *t)
{
    return t->runner ? t->runner : t->pid;
}

/* Be its tracer, without stopping it; it stops at the first instruction of what it execs. */
int tracee_seize(struct tracee *t, pid_t pid);
/* Wait until it stands at the first instruction of a new program. False: it ended instead. */
bool tracee_wait_exec(struct tracee *t);
/* It has stopped with PTRACE_EVENT_EXEC: bring it to the first instruction of the new program. */
bool tracee_at_exec(struct tracee *t);
/* Let it go. */
void tracee_detach(struct tracee *t);
/* The same by its number alone, of one that stands; also where it was killed there. */
void tracee_let_go(pid_t pid);
/* Whether it has ended, or is about to: it was killed, perhaps while it stood. */
bool tracee_is_gone(const struct tracee *t);
/* ---- memory.c ---- */

/* Open its memory; to be done again after an exec. */
int tracee_open_memory(struct tracee *t);
void tracee_close(struct tracee *t);

/* Both return whether all `size` bytes were read or written. Code pages can be written, too. */
bool tracee_read(const struct tracee *t, uint64_t address, void *bytes, size_t size);
bool tracee_write(const struct tracee *t, uint64_t address, const void *bytes, size_t size);
/* As tracee_read, but fewer bytes where memory ends: how many. */
size_t tracee_read_some(const struct tracee *t, uint64_t address, void *bytes, size_t size);

/* ---- tracee.c ---- */

/* Make the standing process execute a system call; *result as the kernel returned it. Code is as
 * before; its registers, and in a process that ran already its signals, only after tracee_calls_end.
 * `text`, if not NULL, is put below its stack pointer and its address becomes argument `text_at`. */
bool tracee_syscall(struct tracee *t, long number, const uint64_t arguments[6], const char *text,
                    unsigned text_at, int64_t *result);
/* All as it was before the first of these calls. */
bool tracee_calls_end(struct tracee *t);
/* Where a syscall instruction is, in the vdso that the kernel has mapped at `vdso` (0: none). */
void tracee_know_vdso(struct tracee *t, uint64_t vdso);

#endif
