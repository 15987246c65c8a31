/* history/stacks.c - frames as a thread numbers them, and where they are in the tree of the trace.
 *
 * A thread's frame, once made, never changes: a number that is given again gets a new frame.
 * What no number leads to any more is swept away, each time that there are twice as many frames as
 * the last sweep left: a sweep costs no more than what was told since, whatever the stacks.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 4096, FIRST_IDS = 256 };
/* The frame's own node in the tree, anew where addresses have come to mean something else. */
static void resolve(struct history *h, struct thread *t, struct frame_node *frame)
{
    const struct process *p = &h->processes[t->process];
    const struct frame_node *outer = frame->parent ? &t->frames[frame->parent - 1] : NULL;
    uint32_t module = module_at(p, frame->pc);
    frame->epoch = p->epoch;
    frame->trace = frame->shortened = 0;
    frame->hash = node_hash(outer ? outer->hash : (uint64_t)frame->cut, module, frame->pc);
    if (frame->depth >= SHOWN_FRAMES || (outer && !outer->trace))
        return;
    frame->trace = trace_node(h, outer ? outer->trace : frame->cut, module, frame->pc, frame->hash,
                              frame->depth <= rows_kept(h));
}

/* Known chains are put together to stacks of any depth. Of a deep recursion all are alike, cut; so
 * are those that are cut since there are too many. */
static int32_t shorten(struct history *h, const struct thread *t, const struct frame_node *frame)
{
    uint64_t pcs[SHOWN_FRAMES];
    uint32_t kept = rows_kept(h), count = 0;
    int32_t node = kept < SHOWN_FRAMES ? -CUT_MANY : -CUT_DEEP;
    for (const struct frame_node *at = frame; count < kept; at = &t->frames[at->parent - 1]) {
        pcs[count++] = at->pc;
        if (!at->parent) {
            node = count < SHOWN_FRAMES ? at->cut : node;
            break;
        }
    }
    uint64_t hash = (uint64_t)node;
    while (count--) {
        uint32_t module = module_at(&h->processes[t->process], pcs[count]);
        hash = node_hash(hash, module, pcs[count]);
        node = trace_node(h, node, module, pcs[count], hash, 1);
    }
    return node;
}

static void resolve_all(struct history *h, struct thread *t)
{
    uint32_t epoch = h->processes[t->process].epoch;
    for (uint32_t index = 0; index < t->frame_count; index++) /* parents come first */
        if (t->frames[index].epoch != epoch)
            resolve(h, t, &t->frames[index]);
}

struct frame_node *frame_of(struct history *h, struct thread *t, int32_t node)
{
    if (node <= 0)
        return NULL;
    if ((uint32_t)node >= t->id_count || !t->ids[node]) {
        h->unmatched[STACKS_NEVER_WRITTEN]++;
        return NULL;
    }
    return &t->frames[t->ids[node] - 1];
}

int32_t trace_stack(struct history *h, struct thread *t, struct frame_node *frame, int32_t node)
{
    if (!frame)
        return node > 0 || node == HISTORY_NO_STACK ? 0 : node;
    if (frame->epoch != h->processes[t->process].epoch)
        resolve_all(h, t);
    if (frame->trace)
        return frame->trace;
    if (!frame->shortened)
        frame->shortened = shorten(h, t, frame);
    return frame->shortened;
}

/* Sweep: keep the frames that a number leads to, and those that they hang on, in their order. */
static void sweep(struct history *h, struct thread *t)
{
    uint32_t *moved = calloc((size_t)t->frame_count + 1, sizeof *moved), kept = 0;
    if (!moved) {
        h->failed = 1;
        return;
    }
    for (uint32_t id = 0; id < t->id_count; id++)
        moved[t->ids[id]] = 1;
    for (uint32_t number = t->frame_count; number; number--)
        if (moved[number])
            moved[t->frames[number - 1].parent] = 1;
    moved[0] = 0;
    for (uint32_t number = 1; number <= t->frame_count; number++) {
        if (!moved[number])
            continue;
        struct frame_node frame = t->frames[number - 1];
        frame.parent = moved[frame.parent];
        t->frames[kept] = frame;
        moved[number] = ++kept;
    }
    for (uint32_t id = 0; id < t->id_count; id++)
        t->ids[id] = moved[t->ids[id]];
    t->frame_count = kept;
    t->sweep_at = 2 * kept;
    free(moved);
}

void history_nodes_anew(struct history *h, uint32_t pid, uint32_t tid)
{
    struct thread *t = thread_of(h, pid, tid);
    if (!t)
        return;
    if (t->id_count)
        memset(t->ids, 0, t->id_count * sizeof *t->ids);
    t->frame_count = t->sweep_at = 0;
}

static int make_id(struct history *h, struct thread *t, uint32_t id)
{
    if (id < t->id_count)
        return 0;
    uint32_t count = t->id_count ? t->id_count : FIRST_IDS;
    while (count <= id)
        count *= 2;
    uint32_t *ids = id < MAX_NODES ? realloc(t->ids, count * sizeof *ids) : NULL;
    if (!ids) {
        h->failed |= id < MAX_NODES;
        return -1;
    }
    memset(ids + t->id_count, 0, (count - t->id_count) * sizeof *ids);
    t->ids = ids;
    t->id_count = count;
    return 0;
}

/* What history_node will look at, of all of them at once: of many stacks it lies where no cache has it,
 * and each would wait for the one before. Nothing is changed. */
void history_nodes_soon(struct history *h, uint32_t pid, uint32_t tid, int32_t parent,
                        const uint64_t *pcs, unsigned count)
{
    struct thread *t = thread_of(h, pid, tid);
    if (!t || h->node_count < FEW)
        return;
    const struct process *p = &h->processes[t->process];
    int is_known = parent > 0 && (uint32_t)parent < t->id_count && t->ids[parent];
    uint64_t hash = is_known ? t->frames[t->ids[parent] - 1].hash : 0, hashes[SHOWN_FRAMES];
    count = count < SHOWN_FRAMES ? count : SHOWN_FRAMES;
    for (unsigned at = 0; at < count; at++) {
        hashes[at] = hash = node_hash(hash, module_at(p, pcs[at]), pcs[at]);
        __builtin_prefetch(index_home(&h->node_index, hash));
    }
    for (unsigned at = 0; at < count; at++) {
        const struct index_slot *slot = index_home(&h->node_index, hashes[at]);
        if (slot && slot->number)
            __builtin_prefetch(&h->nodes[slot->number - 1]);
    }
}

void history_node(struct history *h, uint32_t pid, uint32_t tid, uint32_t id, int32_t parent,
                  uint64_t pc, uint64_t slot)
{
    struct thread *t = thread_of(h, pid, tid);
    if (!t || !id || make_id(h, t, id))
        return;
    if (t->frame_count >= FEW && t->frame_count >= t->sweep_at)
        sweep(h, t);
    struct frame_node *outer = parent > 0 ? frame_of(h, t, parent) : NULL;
    uint32_t number = outer ? (uint32_t)(outer - t->frames) + 1 : 0;
    if (grow(h, (void **)&t->frames, &t->frame_room, t->frame_count + 1, sizeof *t->frames))
        return;
    struct frame_node *frame = &t->frames[t->frame_count++];
    *frame = (struct frame_node){.parent = number, .pc = pc, .slot = slot, .depth = 1};
    if (number)
        frame->depth += t->frames[number - 1].depth;
    frame->cut = parent < 0 && parent != HISTORY_NO_STACK ? parent : 0;
    t->ids[id] = t->frame_count;
    if (number && t->frames[number - 1].epoch != h->processes[t->process].epoch)
        resolve_all(h, t);
    else
        resolve(h, t, frame);
}
