/* chains.h - what the words on a stopped thread's stack are, as far as it can be proven: its frames,
 * walked from its registers outwards by the unwind tables, through signal handlers.
 *
 * A signal's frame that was left stays on the stack until something overwrites it, and then piece by
 * piece: its words look like one long after they are something else. Only the frame that a handler
 * in progress will return to is the kernel's (arch/x86/kernel/signal_64.c, struct rt_sigframe), and
 * only the walk tells which one that is.
 */
#ifndef RECORDER_CHAINS_H
#define RECORDER_CHAINS_H

#include "host.h"

enum proof {
    PROOF_NONE,  /* nobody can tell: it may not be written to, and may be in use */
    PROOF_ALIVE, /* a handler of this thread will return through it */
    PROOF_DEAD,  /* part of a function's frame, or of another signal's: no return leads there */
};

struct chains;

/* Of `p`, whose threads stand. NULL: no memory. */
struct chains *chains_begin(const struct host *h, const struct process *p, const struct maps *maps);
void chains_free(struct chains *chains);
/* Of the word at `slot`, which would be the instruction pointer in a signal's frame. */
enum proof chains_prove(struct chains *chains, pid_t tid, uint64_t slot);
/* The stack pointer as far out as its frames can be walked; 0: it cannot be read at all. */
uint64_t chains_end(struct chains *chains, pid_t tid);

#endif
