/* Passes over groups of events: which of them a report cannot tell apart, and their sums. */
#include "kernels.h"
#include <stdbool.h>
#include <stdlib.h>

struct key {
    uint32_t what, verdict, purpose, within;
    int32_t frame;
};

/* The kinds that there are: their keys, and where each is found by its key; 0: nothing there. */
struct known {
    struct key *keys;
    uint32_t *table;
    int64_t count, room; /* of keys; the table has twice as much, a power of 2 */
};

static uint64_t mixed(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t hash(const struct key *key)
{
    uint64_t first = (uint64_t)key->what << 32 | key->verdict;
    uint64_t second = (uint64_t)key->purpose << 32 | key->within;
    return mixed(mixed(mixed(first) ^ second) ^ (uint32_t)key->frame);
}

static bool is_same(const struct key *one, const struct key *other)
{
    return one->what == other->what && one->verdict == other->verdict &&
           one->purpose == other->purpose && one->within == other->within &&
           one->frame == other->frame;
}

/* Where the kind's number is, or belongs. */
static uint32_t *slot_of(const struct known *known, const struct key *key)
{
    uint64_t mask = (uint64_t)known->room * 2 - 1, at = hash(key) & mask;
    while (known->table[at] && !is_same(&known->keys[known->table[at] - 1], key))
        at = (at + 1) & mask;
    return &known->table[at];
}

static bool grow(struct known *known)
{
    int64_t room = known->room ? known->room * 2 : 1024;
    struct key *keys = realloc(known->keys, room * sizeof *keys);
    if (!keys)
        return false;
    known->keys = keys;
    uint32_t *table = calloc(room * 2, sizeof *table);
    if (!table)
        return false;
    free(known->table);
    known->table = table;
    known->room = room;
    for (int64_t kind = 1; kind <= known->count; kind++)
        *slot_of(known, &keys[kind - 1]) = (uint32_t)kind;
    return true;
}

/* The number of a kind, from 1; 0: no memory. */
static uint32_t number_of(struct known *known, const struct key *key)
{
    if (known->count == known->room && !grow(known))
        return 0;
    uint32_t *slot = slot_of(known, key);
    if (!*slot) {
        known->keys[known->count++] = *key;
        *slot = (uint32_t)known->count;
    }
    return *slot;
}

int64_t kinds(const uint32_t *whats, const uint32_t *verdicts, const uint32_t *purposes,
              const uint32_t *withins, const int32_t *frames, int64_t count, uint32_t *kind_of,
              uint32_t *firsts, uint32_t *around, int64_t most)
{
    struct known known = {0};
    int64_t result = count > UINT32_MAX / 4 ? FAILED : 0;
    for (int64_t at = 0; at < count && result != FAILED && result <= most; at++) {
        if (withins[at] > at) {
            result = FAILED;
            break;
        }
        uint32_t within = withins[at] ? kind_of[withins[at] - 1] : 0;
        struct key key = {whats[at], verdicts[at], purposes[at], within, frames[at]};
        uint32_t kind = number_of(&known, &key);
        if (kind == 0) {
            result = FAILED;
        } else if (kind > result) {
            result = kind;
            firsts[kind - 1] = (uint32_t)at;
            around[kind - 1] = within;
        }
        kind_of[at] = kind;
    }
    free(known.keys);
    free(known.table);
    return result;
}

int64_t added(const int64_t *column, const uint32_t *kind_of, int64_t count, int64_t *totals,
              int64_t number)
{
    for (int64_t at = 0; at < count; at++) {
        if (kind_of[at] == 0 || kind_of[at] > number ||
            __builtin_add_overflow(totals[kind_of[at] - 1], column[at], &totals[kind_of[at] - 1]))
            return FAILED;
    }
    return 0;
}

/* What `deciders` was given of the tree. */
struct tree {
    const int32_t *parents;
    const uint32_t *frame_of;
    int64_t nodes;
    const int32_t *leaps;
    int64_t leap; /* 0: there are none */
    const uint8_t *silent, *in_loader, *has_name;
    int64_t frames;
};

/* `named`: by node the first one outwards, itself included, whose frame has a name; 0: none. A node
 * that is not older than what it called, or of no frame, is none. */
static bool look_at_all(const struct tree *tree, int32_t *named)
{
    for (int64_t node = 1; node < tree->nodes; node++) {
        int32_t parent = tree->parents[node];
        if (parent >= node || tree->frame_of[node] >= tree->frames ||
            (tree->leap && tree->leaps[node] >= node))
            return false;
        named[node] = tree->has_name[tree->frame_of[node]] ? (int32_t)node
                      : parent > 0                         ? named[parent]
                                                           : 0;
    }
    return true;
}

static int64_t outer(const struct tree *tree, int64_t node, int64_t index)
{
    if (index >= tree->nodes)
        return 0;
    for (; tree->leap && index >= tree->leap && node > 0; index -= tree->leap)
        node = tree->leaps[node];
    for (; index > 0 && node > 0; index--)
        node = tree->parents[node];
    return node;
}

static int64_t deciding_node(const struct tree *tree, const int32_t *named, int64_t node,
                             int64_t index)
{
    int64_t at = index < 0 ? 0 : outer(tree, node, index);
    if (at <= 0)
        return named[node] ? named[node] : node;
    while (tree->silent[tree->frame_of[at]]) {
        int64_t caller = tree->parents[at];
        if (caller <= 0 || !tree->in_loader[tree->frame_of[caller]])
            break;
        at = caller;
    }
    return at;
}

int64_t deciders(const int32_t *parents, const uint32_t *frame_of, int64_t nodes,
                 const int32_t *leaps, int64_t leap, const uint8_t *silent,
                 const uint8_t *in_loader, const uint8_t *has_name, int64_t frames,
                 const int32_t *begins, const uint32_t *verdict_of, int64_t count,
                 const int64_t *decided, int64_t verdicts, int32_t *found)
{
    struct tree tree = {parents, frame_of, nodes, leaps, leap, silent, in_loader, has_name, frames};
    int32_t *named = malloc((nodes + 1) * sizeof *named);
    bool is_sound = named && look_at_all(&tree, named);
    for (int64_t at = 0; at < count && is_sound; at++) {
        is_sound = begins[at] < nodes && verdict_of[at] < verdicts;
        if (is_sound) {
            int64_t node = begins[at];
            node = node > 0 ? deciding_node(&tree, named, node, decided[verdict_of[at]]) : 0;
            found[at] = node > 0 ? (int32_t)frame_of[node] : -1;
        }
    }
    free(named);
    return is_sound ? 0 : FAILED;
}
