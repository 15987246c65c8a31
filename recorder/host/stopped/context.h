/* context.h - whether a word that leads into the agent's C code can be the position of a saved context. */
#ifndef RECORDER_CONTEXT_H
#define RECORDER_CONTEXT_H

#include "code/instruction.h"
#include "host.h"

/* How many words near such ones are looked at, in all; a stack counts as many as CONTEXT_STACK. Some 80 ms. */
#define CONTEXT_MOST (1u << 22)
#define CONTEXT_STACK 64u

/* Whether near `at`, where the word stands, is a stack pointer: of a stack that has a return address into
 * `code`, the agent's, right above. Each of its C functions was called from there. *left: how many
 * words may still be looked at, CONTEXT_MOST at first; where there are too few, true. */
bool context_is_near(const struct tracee *t, const struct maps *maps, const struct code *code,
                     uint64_t at, unsigned *left);

#endif
