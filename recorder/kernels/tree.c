/* Passes over the nodes of a tree of stacks: a caller is older than what it called. */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

int64_t leaps(const int32_t *parents, int32_t *found, int64_t count, int64_t leap)
{
    int32_t *once = malloc(count * sizeof *once + 1);
    if (!once)
        return FAILED;
    for (int64_t node = 0; node < count; node++) {
        if (parents[node] >= count) {
            free(once);
            return FAILED;
        }
        found[node] = parents[node] > 0 ? parents[node] : 0;
    }
    for (; leap > 1; leap /= 2) {
        memcpy(once, found, count * sizeof *once);
        for (int64_t node = 0; node < count; node++)
            found[node] = once[once[node]];
    }
    free(once);
    return 0;
}

enum { BEGINS = 1, CALLS = 2, MET = 4 }; /* marks of a node */

/* ---- pairs of a program counter and an image, numbered as they are met ---- */

struct walk {
    const uint64_t *pcs;
    const int32_t *first;
    const uint32_t *what, *images;
    int64_t groups, whats;
    int32_t *met;
    int64_t pairs;
    int32_t *slots; /* 1 + number of a pair; 0: free */
    uint64_t mask;
};

static int is_known_group(const struct walk *walk, int32_t node)
{
    int32_t group = walk->first[node];
    return group >= 0 && group < walk->groups && walk->what[group] < walk->whats;
}

static uint32_t image_at(const struct walk *walk, int32_t node)
{
    return walk->images[walk->what[walk->first[node]]];
}

static uint64_t hash_at(const struct walk *walk, int32_t node)
{
    uint64_t hash = walk->pcs[node] * 0x9E3779B97F4A7C15u + image_at(walk, node);
    return (hash ^ hash >> 32) * 0xD6E8FEB86659FD93u >> 16;
}

static int32_t *slot_of(const struct walk *walk, int32_t node)
{
    for (uint64_t slot = hash_at(walk, node);; slot++) {
        int32_t *found = &walk->slots[slot & walk->mask];
        if (!*found)
            return found;
        int32_t other = walk->met[*found - 1];
        if (walk->pcs[other] == walk->pcs[node] && image_at(walk, other) == image_at(walk, node))
            return found;
    }
}

static int make_room(struct walk *walk)
{
    free(walk->slots);
    walk->mask = walk->mask ? 2 * walk->mask + 1 : 4095;
    walk->slots = calloc(walk->mask + 1, sizeof *walk->slots);
    for (int64_t pair = 0; walk->slots && pair < walk->pairs; pair++)
        *slot_of(walk, walk->met[pair]) = (int32_t)pair + 1;
    return walk->slots != NULL;
}

/* The number of the node's pair, FAILED where there is none. */
static int64_t pair_of(struct walk *walk, int32_t node)
{
    if (!is_known_group(walk, node))
        return FAILED;
    if (2 * walk->pairs >= (int64_t)walk->mask && !make_room(walk))
        return FAILED;
    int32_t *slot = slot_of(walk, node);
    if (!*slot) {
        walk->met[walk->pairs] = node;
        *slot = (int32_t)++walk->pairs;
    }
    return *slot - 1;
}

int64_t walked(const int32_t *parents, const uint64_t *pcs, uint8_t *marks, int32_t *first,
               uint32_t *at, int32_t *met, int64_t count, const int64_t *stacks,
               const uint32_t *what, int64_t groups, const uint32_t *images, int64_t whats)
{
    struct walk walk = {pcs, first, what, images, groups, whats, met, 0, NULL, 0};
    int64_t node, pair = 0;
    for (int64_t group = groups - 1; group >= 0; group--) {
        if (stacks[group] >= count)
            return FAILED;
        if (stacks[group] > 0) {
            first[stacks[group]] = (int32_t)group;
            marks[stacks[group]] = BEGINS;
        }
    }
    for (node = count - 1; node > 0 && pair >= 0; node--) {
        int32_t parent = parents[node];
        if (!marks[node])
            continue;
        pair = parent < node ? pair_of(&walk, (int32_t)node) : FAILED;
        if (pair < 0)
            break;
        at[node] = (uint32_t)pair;
        if (parent > 0) {
            if (!marks[parent] || first[node] < first[parent])
                first[parent] = first[node];
            marks[parent] |= MET;
        }
    }
    free(walk.slots);
    return pair < 0 ? FAILED : walk.pairs;
}

/* ---- the places of nodes ---- */

static int64_t kinds_of(const uint8_t *marks, const uint32_t *at, int64_t count, int64_t places,
                        uint32_t *kinds)
{
    uint8_t *seen = calloc(places + 1, 4);
    int64_t found = 0;
    if (!seen)
        return FAILED;
    for (int64_t node = 0; node < count; node++) {
        uint32_t kind = 4 * at[node] + marks[node];
        if (!seen[kind]) {
            seen[kind] = 1;
            kinds[found++] = kind;
        }
    }
    free(seen);
    return found;
}

int64_t placed(const int32_t *parents, uint8_t *marks, uint32_t *at, int64_t count,
               const uint32_t *numbers, int64_t pairs, const uint8_t *calls, int64_t places,
               uint32_t *kinds)
{
    for (int64_t node = count - 1; node >= 0; node--) {
        int32_t parent = parents[node];
        if (!marks[node] || !node) {
            marks[node] = 0;
            at[node] = 0;
            continue;
        }
        if (at[node] >= pairs || numbers[at[node]] >= places || parent >= node)
            return FAILED;
        at[node] = numbers[at[node]];
        if (parent > 0)
            marks[parent] |= calls[at[node]] ? CALLS : BEGINS;
        marks[node] &= BEGINS | CALLS;
    }
    return kinds_of(marks, at, count, places, kinds);
}

/* ---- the tree of frames ---- */

struct growth {
    const uint32_t *starts, *pieces;
    int64_t deep, most, made, used;
    int32_t *outer;
    uint32_t *frame_of;
    uint16_t *depths;
    uint8_t *has_cut;
};

/* Python's Grower.add: nodes of the frames of one place; the innermost. */
static int64_t add(struct growth *growth, int64_t parent, int64_t side)
{
    for (uint32_t at = growth->starts[side]; at < growth->starts[side + 1]; at++) {
        int depth = parent > 0 ? growth->depths[parent] + 1 : 1;
        if (depth > growth->most) {
            parent = -growth->deep;
            depth = 1;
            *growth->has_cut = 1;
        }
        growth->used++;
        growth->outer[growth->used] = (int32_t)parent;
        growth->frame_of[growth->used] = growth->pieces[at];
        growth->depths[growth->used] = (uint16_t)depth;
        parent = growth->used;
    }
    return parent;
}

static int64_t size_of(const uint8_t *marks, const uint32_t *at, int64_t count,
                       const uint32_t *starts, int64_t places)
{
    int64_t found = 0;
    for (int64_t node = 1; node < count; node++) {
        int64_t side = 2 * (int64_t)at[node];
        if (marks[node] && at[node] >= places)
            return FAILED;
        if (marks[node] & BEGINS)
            found += starts[side + 1] - starts[side];
        if (marks[node] & CALLS)
            found += starts[side + 2] - starts[side + 1];
    }
    return found < INT32_MAX ? found : FAILED;
}

static int64_t outer_of(int64_t parent, int64_t cuts)
{
    return parent > -63 && cuts >> -parent & 1 ? parent : 0;
}

int64_t grown(const int32_t *parents, const uint8_t *marks, const uint32_t *at, int64_t count,
              const uint8_t *calls, const uint32_t *starts, const uint32_t *pieces, int64_t places,
              int64_t cuts, int64_t deep, int64_t most, int64_t made, int32_t *begins,
              int32_t *called, int32_t *outer, uint32_t *frame_of, uint8_t *has_cut)
{
    if (!made)
        return size_of(marks, at, count, starts, places);
    struct growth growth = {starts, pieces, deep, most, made, 0, outer, frame_of, NULL, has_cut};
    if (most >= UINT16_MAX || made != size_of(marks, at, count, starts, places))
        return FAILED;
    growth.depths = calloc(made + 1, sizeof *growth.depths);
    if (!growth.depths)
        return FAILED;
    int64_t node = 1;
    for (; node < count; node++) {
        int64_t parent = parents[node], side = 2 * (int64_t)at[node];
        if (!marks[node])
            continue;
        if (parent >= node)
            break;
        if (parent > 0)
            parent = calls[at[node]] ? called[parent] : begins[parent];
        else
            parent = outer_of(parent, cuts);
        if (parent > growth.used)
            break;
        if (marks[node] & BEGINS)
            begins[node] = (int32_t)add(&growth, parent, side);
        if (marks[node] & CALLS)
            called[node] = (int32_t)add(&growth, parent, side + 1);
    }
    free(growth.depths);
    return node < count ? FAILED : growth.used;
}

/* ---- what is asked of all nodes ---- */

int64_t named(const int32_t *parents, const uint32_t *frame_of, int64_t count,
              const uint8_t *has_name, int64_t frames, int32_t *found)
{
    for (int64_t node = 1; node < count; node++) {
        int32_t parent = parents[node];
        if (parent >= node || frame_of[node] >= frames)
            return FAILED;
        if (has_name[frame_of[node]])
            found[node] = (int32_t)node;
        else
            found[node] = parent > 0 ? found[parent] : 0;
    }
    return 0;
}

int64_t ends(const int32_t *parents, int64_t count, int32_t *found)
{
    for (int64_t node = 1; node < count; node++) {
        int32_t parent = parents[node];
        if (parent >= node)
            return FAILED;
        found[node] = parent > 0 ? found[parent] : parent;
    }
    return 0;
}

int64_t picked(const uint32_t *values, int64_t size, const uint32_t *at, int64_t count,
               uint32_t *found)
{
    for (int64_t row = 0; row < count; row++) {
        if (at[row] >= size)
            return FAILED;
        found[row] = values[at[row]];
    }
    return 0;
}

int64_t are_next(const int32_t *ids, const int32_t *parents, int64_t count, int64_t first)
{
    for (int64_t row = 0; row < count; row++)
        if (ids[row] != first + row || parents[row] >= ids[row])
            return 0;
    return 1;
}

int64_t used(const int64_t *nodes, int64_t rows, int64_t count, int32_t *found)
{
    uint8_t *is_used = calloc((size_t)count + 1, 1);
    int64_t row = 0, many = 0;
    for (; is_used && row < rows && nodes[row] < count; row++)
        if (nodes[row] > 0)
            is_used[nodes[row]] = 1;
    int is_done = is_used && row == rows;
    for (int64_t node = 1; node < count && is_done; node++)
        if (is_used[node])
            found[many++] = (int32_t)node;
    free(is_used);
    return is_done ? many : FAILED;
}
