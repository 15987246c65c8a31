/* drain/nodes.h - a thread's nodes, as its agent told of them: struct reader, nodes. */
#ifndef RECORDER_RECORDS_NODES_H
#define RECORDER_RECORDS_NODES_H

#include "host.h"

/* Those that it remembers, and those for one event. */
enum { RAW_NODES = MEMO_NODES + NODE_ONCE_RING };

struct raw_node {
    uint64_t pc, slot;   /* slot holds pc */
    uint64_t function;   /* entry of the function that was called with this node; 0: none */
    uint32_t hook, name; /* number of that function's hook, plus 1, and of its name in the spool */
    uint32_t parent;
    uint32_t known; /* the node of stacks.h, 0: not looked for yet */
    bool told;      /* the history knows it */
};

static inline uint32_t raw_index(uint32_t id)
{
    if (id < MEMO_NODES)
        return id;
    return id >= NODE_ONCE && id < NODE_ONCE + NODE_ONCE_RING ? MEMO_NODES + id - NODE_ONCE : 0;
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
