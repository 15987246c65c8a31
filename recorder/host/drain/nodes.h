/* drain/nodes.h - a thread's nodes, as its agent told of them: struct reader, nodes. */
#ifndef RECORDER_RECORDS_NODES_H
#define RECORDER_RECORDS_NODES_H

#include "host.h"

/* Those that it remembers, and, behind the first step of them, those for one event. */
enum { FIRST_RAW = MEMO_FIRST + NODE_ONCE_RING, RAW_NODES = MEMO_NODES + NODE_ONCE_RING };

struct raw_node {
    uint64_t slot; /* where pc stands; it and the next two lie in one line of the caches */
    uint32_t hook; /* number of the hook of the function that was called with this node, plus 1 */
    uint32_t name; /* and that function's name in the spool */
    uint64_t pc;
    uint64_t function; /* that function's entry; 0: none */
    uint32_t parent;
    uint32_t known; /* the node of stacks.h, 0: not looked for yet */
    bool told;      /* the history knows it */
};

static inline bool is_remembered(uint32_t id)
{
    return id < MEMO_FIRST || (id >= MEMO_SECOND && id < MEMO_SECOND_END) ||
           (id >= MEMO_THIRD && id < MEMO_THIRD_END);
}

static inline uint32_t raw_index(uint32_t id)
{
    if (id < MEMO_FIRST)
        return id;
    if (id >= MEMO_SECOND && id < MEMO_SECOND_END)
        return id - MEMO_SECOND + FIRST_RAW;
    if (id >= MEMO_THIRD && id < MEMO_THIRD_END)
        return id - MEMO_THIRD + RAW_NODES - (MEMO_THIRD_END - MEMO_THIRD);
    return id >= NODE_ONCE && id < NODE_ONCE + NODE_ONCE_RING ? MEMO_FIRST + id - NODE_ONCE : 0;
}

/* NULL: it is none. One that was not told of is empty. */
static inline struct raw_node *raw_at(struct reader *r, uint32_t id)
{
    static struct raw_node empty;
    if (id & NODE_CUT)
        return NULL;
    if (raw_index(id) < r->node_room)
        return (struct raw_node *)r->nodes + raw_index(id);
    empty = (struct raw_node){0};
    return &empty;
}

/* Their numbers in the history: of a node, and of the function itself, which is called with that node
 * outside of it; before all of them of functions whose stack is lost, by reason. Small ones are in use
 * first: the history keeps a table of all numbers for each thread. */
enum { FIRST_NUMBER = 1 + 256 };
static inline uint32_t number_of_node(uint32_t id)
{
    return FIRST_NUMBER + 2 * raw_index(id);
}

static inline uint32_t number_of_function(uint32_t id)
{
    return FIRST_NUMBER + 2 * raw_index(id) + 1;
}

static inline uint32_t number_of_lost(uint32_t id)
{
    return 1 + (id & 0xff);
}

#endif
