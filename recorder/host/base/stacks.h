/* stacks.h - frames of stacks as a tree in which equal ones are one: for the borders of the phases.
 *
 * The agent numbers the nodes of each thread anew whenever its memory of them is full; here a frame
 * keeps its number. The tree of all stacks is history.h's.
 */
#ifndef RECORDER_STACKS_H
#define RECORDER_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#define STACK_CUT 0x80000000u /* in place of a node: no frame, cut for the reason in the low bits */

struct stack_node {
    uint64_t pc, slot;
    uint32_t parent; /* index of the frame outside, 0: none, or STACK_CUT | reason */
    uint32_t next;
};

struct stacks {
    struct stack_node *nodes;
    uint32_t *buckets;
    uint32_t count, room, bucket_count;
};

bool stacks_begin(struct stacks *stacks);
void stacks_free(struct stacks *stacks);
/* The node with these values; 0 where memory ran out. */
uint32_t stacks_node(struct stacks *stacks, uint64_t pc, uint64_t slot, uint32_t parent);
#endif
