/* threads.h - all threads of a running process, stopped and let go again, by ptrace.
 *
 * Nothing that the program could notice: each thread stops where it is (PTRACE_INTERRUPT), signals
 * that come meanwhile are passed on, a system call that was interrupted begins again, and a process
 * that a signal had stopped stays stopped.
 */
#ifndef RECORDER_THREADS_H
#define RECORDER_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct thread {
    pid_t tid;
    bool stopped; /* it stands in a ptrace stop */
    bool grouped; /* by a signal such as SIGSTOP: it is not to run */
};

struct threads {
    pid_t pid;
    struct thread *list;
    size_t count, room;
    unsigned patience_ms; /* so long is waited for those that do not stop */
    bool waits;           /* that was not enough */
    const char *problem;  /* why they could not be stopped; in words */
    pid_t culprit;        /* and which of them */
};

/* Be the tracer of every thread and stop them all, new ones too. False: `problem` says why; they
 * are then as threads_let_go() leaves them, or where it `waits` as threads_run() does. May be called
 * again behind that. */
bool threads_stop(struct threads *threads, pid_t pid);
/* Let those run that no signal had stopped; still traced. */
void threads_run(struct threads *threads);
/* Stop being the tracer; all go on as they were. Frees the list. */
void threads_let_go(struct threads *threads);
/* One that can be made to execute a system call; 0: none. */
pid_t threads_runner(const struct threads *threads);
/* Whether there is one that may run at all. */
bool threads_can_run(const struct threads *threads);

#endif
