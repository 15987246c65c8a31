/* constants.h - what the general registers hold, as far as one reading of straight code tells.
 *
 * Enough to know the number of a system call: `mov $9,%eax`, `xor %eax,%eax`, `push $59; pop %rax`,
 * `lea 9(%rdx),%eax` behind `xor %edx,%edx`, `mov %r8d,%eax`. Whatever is not understood makes a
 * register UNKNOWN; it is never taken for a number that it may not be.
 */
#ifndef RECORDER_CONSTANTS_H
#define RECORDER_CONSTANTS_H

#include "instruction.h"

enum register_number { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, REGISTERS = 16 };

struct held {
    enum { UNKNOWN, CONSTANT, INCOMING } what;
    uint64_t value; /* CONSTANT: the number; INCOMING: which register held it at first */
};

struct registers {
    struct held in[REGISTERS];
    struct held pushed; /* what a pop at once would give */
};

/* At the first of some straight code: every register holds what it came in with. */
void registers_at_start(struct registers *registers);
/* Behind the instruction. */
void registers_follow(struct registers *registers, const struct instruction *i);

#endif
