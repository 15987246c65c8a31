/* Passes over the groups of a run: which of them are asked the same, so that it is asked once. */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX /* as the first of a row's words: it has no number */
#define MAKERS 4
#define MANY_MAKERS UINT32_MAX
#define THINGS (MAKERS + 1) /* of a group's blocks: of each maker, and nothing that could be told */

/* As a recorder tells of a group (members in alloctrace/spool/rows.py). */
struct members {
    uint32_t group, maker[MAKERS], unused;
    uint64_t sized, least, most, nulls, known, grew, shrank;
};

static uint64_t hash(const uint32_t *key, unsigned words)
{
    uint64_t found = words;
    for (unsigned at = 0; at < words; at++) {
        found = (found ^ key[at]) * UINT64_C(0x9e3779b97f4a7c15);
        found ^= found >> 29;
    }
    return found;
}

/* Of rows of `words` words each: `numbers[row]`, from 1 on, is the same for rows that are equal,
 * and `firsts[number - 1]` the first of these. How many numbers there are. */
static int64_t numbered(const uint32_t *keys, unsigned words, int64_t count, uint32_t *numbers,
                        uint32_t *firsts)
{
    uint64_t room = 16;
    while (room < 2 * (uint64_t)count)
        room *= 2;
    uint32_t *table = calloc(room, sizeof *table);
    if (!table)
        return FAILED;
    uint32_t last = 0;
    for (int64_t row = 0; row < count; row++) {
        const uint32_t *key = keys + row * words;
        numbers[row] = 0;
        if (key[0] == NONE)
            continue;
        uint64_t at = hash(key, words) & (room - 1);
        while (table[at] &&
               memcmp(keys + (int64_t)firsts[table[at] - 1] * words, key, words * sizeof *key))
            at = (at + 1) & (room - 1);
        if (!table[at]) {
            firsts[last++] = (uint32_t)row;
            table[at] = last;
        }
        numbers[row] = table[at];
    }
    free(table);
    return last;
}

/* Memory for keys of `count` rows; NULL: there is none, or more rows than a number can tell. */
static uint32_t *keys_of(int64_t count, unsigned words)
{
    return count < 0 || count >= NONE ? NULL : calloc((size_t)count + 1, words * sizeof(uint32_t));
}

int64_t asking_alike(const uint32_t *what, const uint32_t *verdict, const uint32_t *within,
                     const uint32_t *there, int64_t count, const uint32_t *alike,
                     const uint32_t *whose, const uint32_t *names, const uint8_t *is_call,
                     int64_t whats, int64_t verdicts, uint32_t *numbers, uint32_t *firsts)
{
    enum { WORDS = 4 };
    uint32_t *keys = keys_of(count, WORDS);
    if (!keys)
        return FAILED;
    int64_t found = FAILED;
    /* Until they are numbered: of the un-nested call around each group, or of itself, its name. */
    uint32_t *of_call = numbers;
    for (int64_t at = 0; at < count; at++) {
        uint32_t *key = keys + at * WORDS;
        if (what[at] >= whats || verdict[at] >= verdicts || within[at] > at)
            goto out;
        of_call[at] = within[at] ? of_call[within[at] - 1] : names[what[at]];
        key[0] = within[at] && is_call[what[at]] ? NONE : alike[what[at]];
        key[1] = whose[verdict[at]];
        key[2] = there[at];
        key[3] = within[at] ? of_call[at] : 0;
    }
    found = numbered(keys, WORDS, count, numbers, firsts);
out:
    free(keys);
    return found;
}

int64_t askers(const uint32_t *kinds, const uint32_t *verdict, const int32_t *nodes, int64_t count,
               const uint8_t *is_asker, int64_t kinds_count, const uint32_t *decided,
               int64_t verdicts, const int32_t *parents, const uint32_t *alike, int64_t nodes_count,
               uint32_t *numbers, uint32_t *firsts)
{
    enum { WORDS = 3 };
    uint32_t *keys = keys_of(count, WORDS);
    if (!keys)
        return FAILED;
    int64_t found = FAILED;
    for (int64_t at = 0; at < count; at++) {
        uint32_t *key = keys + at * WORDS;
        if (kinds[at] >= kinds_count || verdict[at] >= verdicts)
            goto out;
        key[0] = NONE;
        if (!is_asker[kinds[at]])
            continue;
        uint32_t outwards = decided[verdict[at]];
        int64_t node = outwards ? nodes[at] : 0;
        if (node >= nodes_count)
            goto out;
        while (node > 0 && --outwards) {
            if (parents[node] >= node)
                goto out;
            node = parents[node];
        }
        key[0] = kinds[at];
        key[1] = node > 0;
        key[2] = node > 0 ? alike[node] : 0;
    }
    found = numbered(keys, WORDS, count, numbers, firsts);
out:
    free(keys);
    return found;
}

/* What the blocks of one maker were for, in order and once. */
static void add_thing(uint32_t *things, unsigned *count, uint32_t thing)
{
    unsigned at = *count;
    for (unsigned known = 0; known < *count; known++)
        if (things[known] == thing)
            return;
    for (; at && things[at - 1] > thing; at--)
        things[at] = things[at - 1];
    things[at] = thing;
    ++*count;
}

/* Into `found`, zeros: what the blocks of a group were for. 0: it is not known of all of them. */
static int things_of(const struct members *row, uint64_t events, const uint32_t *things,
                     int64_t count, uint32_t *found)
{
    unsigned known = 0;
    for (unsigned at = 0; at < MAKERS; at++) {
        uint32_t maker = row->maker[at];
        if (!maker)
            continue;
        if (maker == MANY_MAKERS || maker >= count || !things[maker])
            return 0;
        add_thing(found, &known, things[maker]);
    }
    if (row->known < events && row->nulls < events - row->known)
        add_thing(found, &known, 1);
    return 1;
}

int64_t makers(const uint32_t *questions, int64_t count, const uint8_t *asked, int64_t known,
               const uint8_t *members, int64_t members_size, const int64_t *events,
               const uint32_t *things, uint32_t *numbers, uint32_t *firsts)
{
    enum { WORDS = 2 + THINGS };
    uint32_t *keys = keys_of(count, WORDS);
    if (!keys)
        return FAILED;
    int64_t found = FAILED, told = members_size / (int64_t)sizeof(struct members);
    for (int64_t id = 0; id < count; id++) {
        uint32_t *key = keys + id * WORDS;
        struct members row;
        if (questions[id] >= known)
            goto out;
        key[0] = NONE;
        if (!id || id > told || !asked[questions[id]])
            continue;
        memcpy(&row, members + (id - 1) * sizeof row, sizeof row);
        uint64_t these = events[id - 1] > 0 ? (uint64_t)events[id - 1] : 0;
        if (!row.group || !things_of(&row, these, things, count, key + 2))
            continue;
        key[0] = questions[id];
        key[1] = row.nulls ? (row.nulls < these ? 1 : 2) : 0;
    }
    found = numbered(keys, WORDS, count, numbers, firsts);
out:
    free(keys);
    return found;
}
