/* history/tree.c - the tree of stacks of the trace: each node once, with the way that leads to it. */
#include "inside.h"

/* Where stacks are always new, memory and the time that a reader needs for an event are bounded: from
 * so many nodes or groups on, or so many nodes an event, only some of a new stack's innermost frames
 * are kept, beyond a quarter more only the function and its caller, of which a program has not many.
 * Real programs have two or three nodes an event. */
enum { MANY_NODES = 1 << 21, MANY_GROUPS = 1 << 18, FEW_SHOWN = 16, FEWEST_SHOWN = 2 };
enum { SOME_NODES = 1 << 18, NODES_AN_EVENT = 4 };

static int is_same_node(const void *nodes, uint32_t number, const void *wanted)
{
    const struct trace_node *node = (const struct trace_node *)nodes + number - 1, *key = wanted;
    return node->pc == key->pc && node->parent == key->parent && node->module == key->module;
}

/* How many frames of a stack that is new are kept. */
uint32_t rows_kept(const struct history *h)
{
    uint64_t room = SOME_NODES + NODES_AN_EVENT * h->events;
    room = room < MANY_NODES ? room : MANY_NODES;
    if (h->node_count < room && h->group_count < MANY_GROUPS)
        return SHOWN_FRAMES;
    int is_more = h->node_count < room / 4 * 5 && h->group_count < MANY_GROUPS / 4 * 5;
    return is_more ? FEW_SHOWN : FEWEST_SHOWN;
}

/* By the way that leads to it, not by the number of the node outside: so it is known beforehand. */
uint64_t node_hash(uint64_t outer, uint32_t module, uint64_t pc)
{
    return mixed(mixed(pc ^ (uint64_t)module << 48) + outer);
}

/* The node of the tree with these values; a new one only where `may_add`, else 0. */
int32_t trace_node(struct history *h, int32_t parent, uint32_t module, uint64_t pc, uint64_t hash,
                   int may_add)
{
    struct trace_node key = {.parent = parent, .module = module, .pc = pc};
    uint32_t known = index_find(&h->node_index, h->nodes, hash, is_same_node, &key);
    if (known || !may_add)
        return (int32_t)known;
    if (h->node_count >= INT32_MAX - 1 ||
        grow(h, (void **)&h->nodes, &h->node_room, h->node_count + 1, sizeof key))
        return 0;
    h->nodes[h->node_count++] = key;
    if (index_add(&h->node_index, hash, h->node_count))
        h->failed = 1;
    return (int32_t)h->node_count;
}

void write_nodes(struct history *h)
{
    struct spool_node rows[4 * ROWS_TOLD];
    while (h->nodes_written < h->node_count) {
        size_t count = 0;
        while (count < 4 * ROWS_TOLD && h->nodes_written < h->node_count) {
            const struct trace_node *node = &h->nodes[h->nodes_written++];
            rows[count++] = (struct spool_node){h->nodes_written, node->parent, node->pc};
        }
        put_record(h, SPOOL_NODES, rows, count * sizeof *rows);
    }
}
