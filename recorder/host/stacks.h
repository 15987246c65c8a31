/* stacks.h - stacks numbered: the nodes that a thread defines, and the stacks written from them.
 *
 * A thread's agent numbers its nodes anew whenever its memory of them is full, so a number means
 * what its last definition said. Equal nodes of all threads are one node here. Growing memory:
 * bounded by the distinct stacks of the run.
 */
#ifndef RECORDER_STACKS_H
#define RECORDER_STACKS_H

#include "spool.h"

#define STACK_CUT 0x80000000u /* in place of a node: no frame, cut for the reason in the low bits */
#define STACK_MAX_FRAMES 256

struct stack_node {
    uint64_t pc, slot;
    uint32_t parent; /* index of the frame outside, 0: none, or STACK_CUT | reason */
    uint32_t next;
    uint32_t depth;
};

struct stack_key {
    uint64_t pc;
    uint32_t node, id;
};

struct stacks {
    struct stack_node *nodes;
    struct stack_key *keys; /* open addressing */
    uint32_t *buckets;
    uint32_t count, room, bucket_count, key_count, key_room, next_id;
};

bool stacks_begin(struct stacks *stacks);
void stacks_free(struct stacks *stacks);
/* The node with these values; 0 where memory ran out. */
uint32_t stacks_node(struct stacks *stacks, uint64_t pc, uint64_t slot, uint32_t parent);
/* The number of the stack of `pc` called through `node`; written to the spool when it is new. */
uint32_t stacks_id(struct stacks *stacks, struct spool *spool, uint64_t pc, uint32_t node);

#endif
