/* records_nodes.h - a thread's nodes, as its agent told of them: struct reader, nodes. */
#ifndef RECORDER_RECORDS_NODES_H
#define RECORDER_RECORDS_NODES_H

#include "host.h"

/* Those that it remembers, those for one event, and behind each kind as many again for the function
 * itself, which is called with that node outside of it. */
enum { RAW_NODES = MEMO_NODES + NODE_ONCE_RING, FUNCTIONS_AT = RAW_NODES, LOST_AT = 2 * RAW_NODES };

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

static inline struct raw_node *raw_at(struct reader *r, uint32_t id)
{
    return id & NODE_CUT ? NULL : (struct raw_node *)r->nodes + raw_index(id);
}

#endif
