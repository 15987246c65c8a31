/* branches.h - jumps and calls into places that shall be overwritten, looked for in a whole text.
 *
 * A function's own jumps are found by decoding it. Jumps from elsewhere (the .cold part of a
 * function, assembly with several entries) are looked for without decoding: every four bytes behind
 * an opcode of `jmp`, `call` or `jcc` are taken for a distance, at whatever offset. That finds all
 * of those with 32 bits and, rarely (once in some hundred ranges), one that is none.
 */
#ifndef RECORDER_BRANCHES_H
#define RECORDER_BRANCHES_H

#include "instruction.h"

struct range {
    uint64_t low, high; /* low <= an address that must not be a target < high */
    bool branched_into; /* the answer */
};

/* `ranges` are sorted and do not overlap. About 1 ms a megabyte. */
void find_branches_into(const struct code *text, struct range *ranges, size_t count);

/* The set of targets of direct jumps inside one stretch of code, one bit a byte. */
struct labels {
    uint64_t low, high;
    uint8_t *bits;
};

/* False: no memory. labels_free() is due in any case. */
bool labels_begin(struct labels *labels, uint64_t low, uint64_t high);
void labels_add(struct labels *labels, uint64_t address); /* those outside are not kept */
bool labels_has(const struct labels *labels, uint64_t address);
bool labels_between(const struct labels *labels, uint64_t low, uint64_t high); /* low <= x < high */
void labels_free(struct labels *labels);

#endif
