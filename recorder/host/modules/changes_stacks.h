/* changes_stacks.h - functions whose callers may stand on another stack. */
#ifndef RECORDER_CHANGES_STACKS_H
#define RECORDER_CHANGES_STACKS_H

#include "host.h"

/* Whether the function around `pc`, a return address in `m` (NULL: unknown), gives the stack pointer a
 * value of its own: libgcc's __morestack, the psm crate's rust_psm_on_stack, coroutines in assembly. */
bool changes_stacks(const struct module *m, uint64_t pc);

#endif
