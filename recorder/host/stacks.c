#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#define CUT_DEEP 2 /* alloctrace/words.py, CUTS */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 29 | b >> 35)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

bool stacks_begin(struct stacks *stacks)
{
    *stacks = (struct stacks){
        .count = 1, .room = 1 << 12, .bucket_count = 1 << 12, .key_room = 1 << 12, .next_id = 1};
    stacks->nodes = calloc(stacks->room, sizeof *stacks->nodes);
    stacks->buckets = calloc(stacks->bucket_count, sizeof *stacks->buckets);
    stacks->keys = calloc(stacks->key_room, sizeof *stacks->keys);
    return stacks->nodes && stacks->buckets && stacks->keys;
}

void stacks_free(struct stacks *stacks)
{
    free(stacks->nodes);
    free(stacks->buckets);
    free(stacks->keys);
}

static uint32_t *bucket_of(struct stacks *stacks, uint64_t pc, uint64_t slot, uint32_t parent)
{
    return &stacks->buckets[mix(mix(pc, slot), parent) & (stacks->bucket_count - 1)];
}

static bool grow_nodes(struct stacks *stacks)
{
    struct stack_node *nodes = realloc(stacks->nodes, 2 * (size_t)stacks->room * sizeof *nodes);
    if (nodes == NULL)
        return false;
    stacks->nodes = nodes;
    uint32_t *buckets = calloc(2 * (size_t)stacks->bucket_count, sizeof *buckets);
    if (buckets == NULL)
        return false;
    free(stacks->buckets);
    stacks->buckets = buckets;
    stacks->room *= 2;
    stacks->bucket_count *= 2;
    for (uint32_t i = 1; i < stacks->count; i++) {
        struct stack_node *n = &nodes[i];
        uint32_t *bucket = bucket_of(stacks, n->pc, n->slot, n->parent);
        n->next = *bucket;
        *bucket = i;
    }
    return true;
}

uint32_t stacks_node(struct stacks *stacks, uint64_t pc, uint64_t slot, uint32_t parent)
{
    for (uint32_t i = *bucket_of(stacks, pc, slot, parent); i != 0; i = stacks->nodes[i].next) {
        const struct stack_node *n = &stacks->nodes[i];
        if (n->pc == pc && n->slot == slot && n->parent == parent)
            return i;
    }
    if (stacks->count == stacks->room && !grow_nodes(stacks))
        return 0;
    uint32_t *bucket = bucket_of(stacks, pc, slot, parent);
    uint32_t outer = parent & STACK_CUT ? 0 : stacks->nodes[parent].depth;
    stacks->nodes[stacks->count] = (struct stack_node){pc, slot, parent, *bucket, outer + 1};
    return *bucket = stacks->count++;
}

static struct stack_key *find_key(struct stacks *stacks, uint64_t pc, uint32_t node)
{
    uint64_t mask = stacks->key_room - 1, at = mix(pc, node) & mask;
    while (stacks->keys[at].id != 0 && (stacks->keys[at].pc != pc || stacks->keys[at].node != node))
        at = (at + 1) & mask;
    return &stacks->keys[at];
}

static bool grow_keys(struct stacks *stacks)
{
    struct stack_key *old = stacks->keys;
    uint32_t room = stacks->key_room;
    stacks->keys = calloc(2 * (size_t)room, sizeof *old);
    if (stacks->keys == NULL) {
        stacks->keys = old;
        return false;
    }
    stacks->key_room *= 2;
    for (uint32_t i = 0; i < room; i++)
        if (old[i].id != 0)
            *find_key(stacks, old[i].pc, old[i].node) = old[i];
    free(old);
    return true;
}

/* As the breakpoint engine writes them: each frame with the slot of its own return address. */
static void write_stack(const struct stacks *stacks, struct spool *spool, uint32_t id, uint64_t pc,
                        uint32_t node)
{
    struct spool_frame frames[STACK_MAX_FRAMES + 1];
    size_t count = 0;
    unsigned cut = 0;
    if (!(node & STACK_CUT) && node != 0 && stacks->nodes[node].depth >= STACK_MAX_FRAMES)
        cut = CUT_DEEP;
    while (count < STACK_MAX_FRAMES && node != 0 && !(node & STACK_CUT)) {
        const struct stack_node *n = &stacks->nodes[node];
        frames[count++] = (struct spool_frame){pc, n->slot};
        pc = n->pc;
        node = n->parent;
    }
    if (node & STACK_CUT && cut == 0)
        cut = node & 0xff;
    frames[count++] = (struct spool_frame){pc, 0};
    spool_stack(spool, id, cut, frames, count);
}

uint32_t stacks_id(struct stacks *stacks, struct spool *spool, uint64_t pc, uint32_t node)
{
    struct stack_key *key = find_key(stacks, pc, node);
    if (key->id != 0)
        return key->id;
    if (2 * stacks->key_count >= stacks->key_room) {
        if (!grow_keys(stacks))
            return 0;
        key = find_key(stacks, pc, node);
    }
    *key = (struct stack_key){pc, node, stacks->next_id++};
    stacks->key_count++;
    write_stack(stacks, spool, key->id, pc, node);
    return key->id;
}
