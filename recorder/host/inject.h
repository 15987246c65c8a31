/* inject.h - a system call executed by a stopped thread of a running process.
 *
 * It goes to a syscall instruction that is there already, so no code is written. All signals wait
 * meanwhile; a system call that the thread was in begins again as if nothing had happened.
 */
#ifndef RECORDER_INJECT_H
#define RECORDER_INJECT_H

#include "tracee.h"

#include <sys/user.h>

/* Find an instruction to use: in the vdso, else in any code. False: there is none. */
bool inject_prepare(struct tracee *t);
/* Make t->runner execute what *regs asks for; then *regs is what it came to. The thread stands
 * where its own registers can be given back to it: the caller's duty. */
bool inject_call(struct tracee *t, struct user_regs_struct *regs);

/* On to where the thread enters or leaves a system call, which is to be a stop of its own
 * (PTRACE_O_TRACESYSGOOD). Its signals are blocked. */
bool inject_to_syscall(pid_t tid);

#endif
