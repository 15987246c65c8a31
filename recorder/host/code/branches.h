/* branches.h - jumps and calls into places that shall be overwritten, looked for in a whole text.
 *
 * A function's own jumps are found by decoding it (detour.h). Jumps from elsewhere are found here:
 * from the .cold part of a function, from assembly with several entries, as glibc's memcpy has.
 * Every byte that looks like the opcode of one, with a distance that leads there, is then decoded
 * in its place: what stands before it is read from 16 neighbouring bytes on (no instruction is longer
 * than 15, so one of them is where an instruction begins), and one reading that sees it is enough.
 */
#ifndef RECORDER_BRANCHES_H
#define RECORDER_BRANCHES_H

#include "instruction.h"

struct range {
    uint64_t low, high; /* low <= an address that must not be a target < high */
    bool branched_into; /* the answer */
};

/* `ranges` are sorted and do not overlap, and lie in `text`. */
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
