/* paths.c - the table of a thread's nodes by their path: paths.h is the manual.
 *
 * An entry is the number of a node, and above it a part of its path. It lies in the line of memory
 * that the path of the frame outside leads to: so the stacks of a malloc and of the free beside it are
 * in one. Where that is full, as of a frame that calls many others, it is in the line of its own path.
 */
#include "paths.h"

#define FIRST_PLACES 1024u /* a page; fewer nodes than a quarter need none */
#define STEP 4u            /* times as large */
#define TAG (~MEMO_NEXT)

/* In a line, from where it is looked for first. *full: there is no free place. */
static uint32_t find_in(const struct thread_state *t, const uint32_t *line, uint32_t path,
                        const struct memo_word *w, uint64_t bp, int *full)
{
    *full = 0;
    for (unsigned i = 0; i < PATHS_LINE; i++) {
        uint32_t entry = line[(path + i) % PATHS_LINE], node = entry & MEMO_NEXT;
        if (entry == 0)
            return 0;
        if (((entry ^ path) & TAG) == 0 && is_at(t, node, w->slot, w->pc, bp) && holds(t, node))
            return node;
    }
    *full = 1;
    return 0;
}

uint32_t paths_find(const struct thread_state *t, uint32_t path, uint32_t outer,
                    const struct memo_word *w, uint64_t bp)
{
    int full;
    if (t->paths == 0)
        return 0;
    uint32_t found = find_in(t, paths_line(t, outer), path, w, bp, &full);
    return likely(!full || found) ? found : find_in(t, paths_line(t, path), path, w, bp, &full);
}

static int put_in(uint32_t *line, uint32_t path, uint32_t node)
{
    for (unsigned i = 0; i < PATHS_LINE; i++) {
        uint32_t *entry = &line[(path + i) % PATHS_LINE];
        if (*entry != 0)
            continue;
        *entry = (path & TAG) | node;
        return 1;
    }
    return 0;
}

void paths_add(struct thread_state *t, uint32_t node, uint32_t outer)
{
    const struct memo_node *n = &nodes_of(t)[node];
    if (t->paths == 0 || n->path == 0 || n->next & MEMO_WITHIN)
        return;
    if (!put_in(paths_line(t, outer), n->path, node) &&
        !put_in(paths_line(t, n->path), n->path, node))
        paths_line(t, n->path)[node % PATHS_LINE] = (n->path & TAG) | node;
}

/* The path of the frame outside, where the node stands in a run. */
static uint32_t path_outside(const struct thread_state *t, uint32_t node)
{
    const struct memo_node *nodes = nodes_of(t);
    uint32_t last = node + nodes[node].left;
    while (node != last)
        if (!(nodes[++node].next & MEMO_CHECK))
            return nodes[node].path;
    return paths_outside_of(t, nodes[last].parent);
}

static uint32_t largest(const struct thread_state *t)
{
    return has_steps(t) && area()->memo_grows ? PATHS_MANY : PATHS_FEW;
}

static void add_up_to(struct thread_state *t, uint32_t node, uint32_t end)
{
    for (; node < end && node < t->memo_count; node++)
        paths_add(t, node, path_outside(t, node));
}

static uint32_t nodes_so_far(const struct thread_state *t)
{
    uint32_t count = t->memo_count;
    if (count >= MEMO_THIRD)
        return count - MEMO_THIRD + MEMO_NODES - (MEMO_THIRD_END - MEMO_THIRD);
    return count < MEMO_SECOND ? count : count - MEMO_SECOND + MEMO_FIRST;
}

void paths_grow(struct thread_state *t)
{
    uint32_t places = t->paths ? t->paths * STEP : FIRST_PLACES;
    places = places < largest(t) ? places : largest(t);
    if (nodes_so_far(t) < places / STEP || places == t->paths)
        return;
    t->paths = places;
    uint32_t *table = paths_table(t);
    for (uint32_t i = 0; i < places; i++)
        table[i] = 0;
    add_up_to(t, 1, MEMO_FIRST);
    add_up_to(t, MEMO_SECOND, MEMO_SECOND_END);
    add_up_to(t, MEMO_THIRD, MEMO_THIRD_END);
}
