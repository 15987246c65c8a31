/* inject.h - system calls executed by a stopped thread of a running process.
 *
 * It goes to a syscall instruction that is there already, so no code is written. All signals wait
 * until the last call is made; a system call that the thread was in begins again as if nothing had
 * happened. Each stop on the way may take long where others want the processor: there are two a call.
 */
#ifndef RECORDER_INJECT_H
#define RECORDER_INJECT_H

#include "tracee.h"

#include <sys/user.h>

/* Find an instruction to use, if the one found before is not there any more: in the vdso, else in any
 * code. False: there is none. */
bool inject_prepare(struct tracee *t);
/* Before the first call of t->runner: its signals wait. */
bool inject_begin(struct tracee *t);
/* Make a thread execute what *regs asks for; then *regs is what it came to. */
bool inject_call(pid_t tid, struct user_regs_struct *regs);
/* After the last one: t->runner gets t->regs back, and its signals. */
bool inject_end(struct tracee *t);

/* On to where the thread enters or leaves a system call, which is to be a stop of its own
 * (PTRACE_O_TRACESYSGOOD). Its signals are blocked. */
bool inject_to_syscall(pid_t tid);

#endif
