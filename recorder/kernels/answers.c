/* Passes for answers that hold for whole stacks: what all frames of one say together. */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

/* ---- unions of bits: a row is `width` words; the rows that there are, found by what they hold ---- */

struct unions {
    uint64_t *rows;
    int64_t width, room, used;
    int32_t *slots; /* 1 + number of a row; 0: free */
    uint64_t mask;
};

static uint64_t hash_of(const uint64_t *row, int64_t width)
{
    uint64_t hash = 0;
    for (int64_t at = 0; at < width; at++) {
        hash = (hash ^ row[at]) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 31;
    }
    return hash;
}

/* The number of the row behind the last one, which is kept if it is new. */
static int32_t number_of_last(struct unions *unions)
{
    const uint64_t *last = unions->rows + unions->used * unions->width;
    size_t size = (size_t)unions->width * sizeof *last;
    for (uint64_t slot = hash_of(last, unions->width);; slot++) {
        int32_t *found = &unions->slots[slot & unions->mask];
        if (!*found)
            return (*found = (int32_t)++unions->used) - 1;
        if (!memcmp(unions->rows + (*found - 1) * unions->width, last, size))
            return *found - 1;
    }
}

/* The number of two rows together; FAILED: there is no room for a new one. */
static int32_t together(struct unions *unions, uint32_t one, const uint64_t *more)
{
    if (unions->used >= unions->room)
        return FAILED;
    const uint64_t *row = unions->rows + one * unions->width;
    uint64_t *last = unions->rows + unions->used * unions->width;
    uint64_t added = 0;
    for (int64_t at = 0; at < unions->width; at++) {
        last[at] = row[at] | more[at];
        added |= last[at] ^ row[at];
    }
    return added ? number_of_last(unions) : (int32_t)one;
}

int64_t unions(const int32_t *parents, const uint32_t *frame_of, int64_t count,
               const uint32_t *of_frame, int64_t frames, const uint64_t *own, int64_t owns,
               int64_t width, uint32_t *found, uint64_t *rows, int64_t room)
{
    struct unions made = {rows, width, room, 1, NULL, 1};
    while (made.mask < 2 * (uint64_t)room)
        made.mask = 2 * made.mask + 1;
    made.slots = calloc(made.mask + 1, sizeof *made.slots);
    if (!made.slots || room < 1 || !count) {
        free(made.slots);
        return FAILED;
    }
    memset(rows, 0, (size_t)width * sizeof *rows);
    made.slots[hash_of(rows, width) & made.mask] = 1;
    found[0] = 0;
    int64_t node = 1;
    for (; node < count; node++) {
        int32_t parent = parents[node];
        if (parent >= node || frame_of[node] >= frames || of_frame[frame_of[node]] >= owns)
            break;
        const uint64_t *more = own + of_frame[frame_of[node]] * width;
        int32_t number = together(&made, parent > 0 ? found[parent] : 0, more);
        if (number < 0)
            break;
        found[node] = (uint32_t)number;
    }
    free(made.slots);
    return node < count ? FAILED : made.used;
}

/* ---- what the frames of many stacks say ---- */

/* By key where its rows begin in the answer, which holds the nodes of each key together. */
static int32_t *nodes_by_key(const uint32_t *keys, const uint32_t *kinds, int64_t whats,
                             const int32_t *nodes, int64_t count, int64_t rows, int64_t keyed,
                             int64_t *begins)
{
    int32_t *sorted = malloc((size_t)rows * sizeof *sorted + 1);
    if (!sorted)
        return NULL;
    for (int64_t row = 0; row < rows; row++) {
        if (kinds[row] >= whats || keys[kinds[row]] >= keyed || nodes[row] >= count) {
            free(sorted);
            return NULL;
        }
        begins[keys[kinds[row]] + 2]++;
    }
    for (int64_t key = 2; key <= keyed; key++)
        begins[key + 1] += begins[key];
    for (int64_t row = 0; row < rows; row++)
        sorted[begins[keys[kinds[row]] + 1]++] = nodes[row];
    return sorted;
}

/* Whether the nodes' callers and frames are there. */
static int are_nodes(const int32_t *parents, const uint32_t *frame_of, int64_t count,
                     const uint32_t *says, int64_t frames, int64_t words)
{
    for (int64_t node = 1; node < count; node++)
        if (parents[node] >= count || frame_of[node] >= frames || says[frame_of[node]] >= words)
            return 0;
    return 1;
}

int64_t said(const int32_t *parents, const uint32_t *frame_of, int64_t count, const uint32_t *says,
             int64_t frames, const uint32_t *keys, int64_t whats, const uint32_t *kinds,
             const int32_t *nodes, int64_t rows, int64_t keyed, int64_t words, uint8_t *found)
{
    int64_t *begins = calloc((size_t)keyed + 3, sizeof *begins);
    uint32_t *met = calloc((size_t)count + 1, sizeof *met);
    int32_t *sorted = NULL;
    if (begins && met && are_nodes(parents, frame_of, count, says, frames, words))
        sorted = nodes_by_key(keys, kinds, whats, nodes, count, rows, keyed, begins);
    for (int64_t key = 0; key < keyed && sorted; key++)
        for (int64_t at = begins[key]; at < begins[key + 1]; at++)
            for (int32_t node = sorted[at]; node > 0 && met[node] != key + 1;
                 node = parents[node]) {
                met[node] = (uint32_t)key + 1;
                found[key * words + says[frame_of[node]]] = 1;
            }
    int is_done = sorted != NULL;
    free(sorted);
    free(met);
    free(begins);
    return is_done ? 0 : FAILED;
}

/* ---- whole stacks ---- */

/* CPython's hash of an int that fits 64 bits. */
static uint64_t hash_of_int(int64_t value)
{
    const uint64_t prime = ((uint64_t)1 << 61) - 1;
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int64_t hash = (int64_t)(size % prime);
    if (value < 0)
        hash = -hash;
    return (uint64_t)(hash == -1 ? -2 : hash);
}

/* CPython's hash of a tuple, Objects/tupleobject.c: xxHash of those of its two members. */
static int64_t hash_of_pair(int64_t one, int64_t two)
{
    const uint64_t prime_1 = 11400714785074694791u, prime_2 = 14029467366897019727u;
    const uint64_t prime_5 = 2870177450012600261u, lanes[] = {hash_of_int(one), hash_of_int(two)};
    uint64_t hash = prime_5;
    for (int at = 0; at < 2; at++) {
        hash += lanes[at] * prime_2;
        hash = (hash << 31 | hash >> 33) * prime_1;
    }
    hash += 2 ^ (prime_5 ^ 3527539u);
    return hash == UINT64_MAX ? 1546275796 : (int64_t)hash;
}

int64_t wholes(const int32_t *parents, const uint32_t *numbers, int64_t count, int64_t *found)
{
    for (int64_t node = 1; node < count; node++) {
        int32_t parent = parents[node];
        if (parent >= node)
            return FAILED;
        found[node] = hash_of_pair(parent > 0 ? found[parent] : parent, numbers[node]);
    }
    return 0;
}

/* ---- answers that are known ---- */

struct known {
    const int32_t *parents;
    const uint32_t *numbers;
    int64_t count;
    const int32_t *starts, *keys, *values;
    int64_t states, edges;
    const int32_t *begins, *answers;
    const int64_t *hashes, *wholes;
    int64_t many;
};

enum { UNKNOWN = -1, END = -1, DAMAGED = -2 };

/* The index of the edge, UNKNOWN: there is none. */
static int64_t edge(const struct known *known, int64_t state, int64_t key)
{
    int64_t low = known->starts[state], high = known->starts[state + 1];
    if (low < 0 || low > high || high > known->edges)
        return DAMAGED;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (known->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    int is_there = low < known->starts[state + 1] && known->keys[low] == key;
    return is_there ? low : UNKNOWN;
}

/* What is known of how the stack begins, outwards from `node`. */
static int64_t by_beginning(const struct known *known, int64_t state, int64_t node)
{
    while (state >= 0) {
        int64_t key = node > 0 ? (int64_t)known->numbers[node] : END;
        int64_t at = state < known->states ? edge(known, state, key) : DAMAGED;
        if (at < 0)
            return at;
        if (known->values[at] < 0)
            return -1 - (int64_t)known->values[at];
        if (known->values[at] <= state)
            return DAMAGED;
        state = known->values[at];
        if (node > 0 && known->parents[node] >= known->count)
            return DAMAGED;
        node = node > 0 ? known->parents[node] : 0;
    }
    return UNKNOWN;
}

static int64_t by_whole(const struct known *known, uint32_t question, int64_t node)
{
    int64_t low = known->begins[question], end = known->begins[question + 1], high = end;
    if (low < 0 || low > high || high > known->many)
        return DAMAGED;
    if (low == high || node <= 0)
        return UNKNOWN;
    int64_t whole = known->wholes[node];
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (known->hashes[middle] < whole)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == end || known->hashes[low] != whole)
        return UNKNOWN;
    return known->answers[low] < 0 ? DAMAGED : known->answers[low];
}

/* The rows that are not known, and of each answer the first. */
static int64_t rows_to_do(const int32_t *found, int64_t rows, int64_t most, uint32_t *todo)
{
    uint8_t *met = calloc((size_t)most + 1, 1);
    int64_t many = 0;
    if (!met)
        return FAILED;
    for (int64_t row = 0; row < rows; row++)
        if (found[row] < 0 || !met[found[row]]) {
            todo[many++] = (uint32_t)row;
            if (found[row] >= 0)
                met[found[row]] = 1;
        }
    free(met);
    return many;
}

int64_t answered(const int32_t *parents, const uint32_t *numbers, int64_t count,
                 const int32_t *starts, int64_t states, const int32_t *keys, const int32_t *values,
                 int64_t edges, const int32_t *begins, const int64_t *hashes,
                 const int32_t *answers, int64_t many, const int64_t *wholes, const int32_t *roots,
                 int64_t questions, const uint32_t *asked, int64_t kinds, const uint32_t *of,
                 const int32_t *nodes, const uint32_t *within, int64_t rows, int32_t *found,
                 uint32_t *todo)
{
    struct known known = {parents, numbers, count,   starts, keys,   values, states,
                          edges,   begins,  answers, hashes, wholes, many};
    int64_t most = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t answer = UNKNOWN;
        if (of[row] >= kinds || asked[of[row]] >= questions || nodes[row] >= count)
            return FAILED;
        uint32_t question = asked[of[row]];
        if (!within[row])
            answer = by_beginning(&known, roots[question], nodes[row]);
        if (answer == UNKNOWN && !within[row])
            answer = by_whole(&known, question, nodes[row]);
        if (answer == DAMAGED)
            return FAILED;
        found[row] = (int32_t)answer;
        most = answer > most ? answer : most;
    }
    return rows_to_do(found, rows, most, todo);
}
