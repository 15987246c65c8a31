/* history/table.h - two hash tables: a map of integers, and an index of things kept elsewhere. */
#ifndef BRKPOINT_HISTORY_TABLE_H
#define BRKPOINT_HISTORY_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* All of that memory will be written to: its pages are made in one go, and not at one fault each. */
void memory_soon(void *at, size_t size);

/* Integer -> index. Begins as zeros; open addressing, no tombstones. */
struct table {
    struct table_slot {
        uint64_t key;
        uint32_t value; /* index + 1; 0: the slot is empty */
    } * slots;
    uint32_t mask, count;
};

uint32_t table_get(const struct table *table, uint64_t key);      /* index + 1, or 0 */
int table_put(struct table *table, uint64_t key, uint32_t value); /* value: index + 1; -1: full */
/* Removes the key; what it led to. */
uint32_t table_take(struct table *table, uint64_t key);
void table_clear(struct table *table); /* forgets the keys and their memory */

/* Finds things that are numbered from 1 in an array of the caller's. */
struct index {
    struct index_slot {
        uint32_t number, hash; /* number 0: empty; what is left of its hash */
    } * slots;
    uint32_t mask, count;
};

typedef int index_equal(const void *array, uint32_t number, const void *wanted);

/* The number of a thing equal to `wanted`, or 0. */
uint32_t index_find(const struct index *index, const void *array, uint64_t hash, index_equal *equal,
                    const void *wanted);
int index_add(struct index *index, uint64_t hash, uint32_t number); /* a new one; -1: no memory */
/* For who looks through the slots itself: room for one more, -1: no memory; and a slot is emptied, which
 * closes the gap. */
int index_make_room(struct index *index);
void index_take_out(struct index *index, struct index_slot *slot);
/* Where a thing with that hash is looked for first; NULL: there are no slots yet. */
static inline const struct index_slot *index_home(const struct index *index, uint64_t hash)
{
    return index->slots ? &index->slots[hash & index->mask] : NULL;
}
void index_clear(struct index *index);

static inline uint64_t mixed(uint64_t value)
{
    value *= 0x9e3779b97f4a7c15u;
    return value ^ value >> 32;
}

#endif
