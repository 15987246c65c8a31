#include "stacks.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 29 | b >> 35)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

bool stacks_begin(struct stacks *stacks)
{
    *stacks = (struct stacks){.count = 1, .room = 1 << 8, .bucket_count = 1 << 8};
    stacks->nodes = calloc(stacks->room, sizeof *stacks->nodes);
    stacks->buckets = calloc(stacks->bucket_count, sizeof *stacks->buckets);
    return stacks->nodes && stacks->buckets;
}

void stacks_free(struct stacks *stacks)
{
    free(stacks->nodes);
    free(stacks->buckets);
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
    stacks->nodes[stacks->count] = (struct stack_node){pc, slot, parent, *bucket};
    return *bucket = stacks->count++;
}
