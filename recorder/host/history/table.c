/* history/table.c - open addressing with linear probing; half of the slots stay empty. */
#define _GNU_SOURCE /* madvise */
#include "table.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SMALLEST = 64, LARGEST = 1 << 30 };
#define LARGE ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14, asm-generic/mman-common.h */
#endif

void memory_soon(void *at, size_t size)
{
    uintptr_t begin = ((uintptr_t)at + PAGE - 1) & ~(PAGE - 1);
    uintptr_t end = ((uintptr_t)at + size) & ~(PAGE - 1);
    if (size >= LARGE)
        madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

/* Zeros. */
static void *slots(size_t count, size_t each)
{
    void *at = calloc(count, each);
    if (at)
        memory_soon(at, count * each);
    return at;
}

/* The slot of the key, or the empty one where it would be. There are slots. */
static inline struct table_slot *find(const struct table *table, uint64_t key)
{
    for (uint32_t at = mixed(key) & table->mask;; at = (at + 1) & table->mask) {
        struct table_slot *slot = &table->slots[at];
        if (!slot->value || slot->key == key)
            return slot;
    }
}

static void fill(struct table *table, uint64_t key, uint32_t value)
{
    struct table_slot *slot = find(table, key);
    must(value != 0, "a key of a table leads to something");
    table->count += !slot->value;
    *slot = (struct table_slot){.key = key, .value = value};
}

uint32_t table_get(const struct table *table, uint64_t key)
{
    return table->slots ? find(table, key)->value : 0;
}

static int table_grow(struct table *table)
{
    uint32_t size = table->slots ? 2 * (table->mask + 1) : SMALLEST;
    struct table old = *table, new = {.mask = size - 1};
    if (size > LARGEST || !(new.slots = slots(size, sizeof *new.slots)))
        return -1;
    for (uint32_t at = 0; old.slots && at <= old.mask; at++)
        if (old.slots[at].value)
            fill(&new, old.slots[at].key, old.slots[at].value);
    free(old.slots);
    *table = new;
    return 0;
}

int table_put(struct table *table, uint64_t key, uint32_t value)
{
    if ((!table->slots || 2 * (uint64_t)table->count > table->mask) && table_grow(table))
        return -1;
    must(2 * (uint64_t)table->count <= table->mask, "half of a table stays empty: a search ends");
    fill(table, key, value);
    return 0;
}

/* Close the gap at `gap`: move back what would no longer be found. */
static void close_gap(struct table *table, uint32_t gap)
{
    for (uint32_t at = (gap + 1) & table->mask; table->slots[at].value;
         at = (at + 1) & table->mask) {
        uint32_t home = mixed(table->slots[at].key) & table->mask;
        if (((at - home) & table->mask) >= ((at - gap) & table->mask)) {
            table->slots[gap] = table->slots[at];
            gap = at;
        }
    }
    table->slots[gap].value = 0;
}

uint32_t table_take(struct table *table, uint64_t key)
{
    struct table_slot *slot = table->slots ? find(table, key) : NULL;
    uint32_t value = slot ? slot->value : 0;
    if (value) {
        must(table->count > 0, "a key that is found was counted");
        table->count--;
        close_gap(table, (uint32_t)(slot - table->slots));
    }
    return value;
}

void table_clear(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}

uint32_t index_find(const struct index *index, const void *array, uint64_t hash, index_equal *equal,
                    const void *wanted)
{
    if (!index->slots)
        return 0;
    for (uint32_t at = hash & index->mask; index->slots[at].number; at = (at + 1) & index->mask)
        if (index->slots[at].hash == (uint32_t)hash &&
            equal(array, index->slots[at].number, wanted))
            return index->slots[at].number;
    return 0;
}

static void index_place(struct index *index, struct index_slot slot)
{
    uint32_t at = slot.hash & index->mask;
    while (index->slots[at].number)
        at = (at + 1) & index->mask;
    index->slots[at] = slot;
}

/* Twice as large, where it is: each moves on to its place, in the order in which they lie behind an
 * empty slot. None comes further than it was from where it is looked for first, so what it passes has
 * moved before it, or lies in the new half. */
static int index_grow(struct index *index)
{
    uint32_t old = index->slots ? index->mask + 1 : 0, size = old ? 2 * old : SMALLEST, empty = 0;
    struct index_slot *larger =
        size > LARGEST ? NULL : realloc(index->slots, size * sizeof *larger);
    if (!larger)
        return -1;
    memory_soon(larger + old, (size - old) * sizeof *larger);
    memset(larger + old, 0, (size - old) * sizeof *larger);
    index->slots = larger;
    index->mask = size - 1;
    while (empty < old && larger[empty].number)
        empty++;
    for (uint32_t step = 1; step < old; step++) {
        struct index_slot *at = &larger[(empty + step) & (old - 1)], slot = *at;
        at->number = 0;
        if (slot.number)
            index_place(index, slot);
    }
    return 0;
}

int index_make_room(struct index *index)
{
    int is_full = !index->slots || 2 * (uint64_t)index->count > index->mask;
    return is_full ? index_grow(index) : 0;
}

int index_add(struct index *index, uint64_t hash, uint32_t number)
{
    if (index_make_room(index))
        return -1;
    index_place(index, (struct index_slot){number, (uint32_t)hash});
    index->count++;
    return 0;
}

void index_take_out(struct index *index, struct index_slot *slot)
{
    struct index_slot *slots = index->slots;
    uint32_t gap = (uint32_t)(slot - slots), mask = index->mask;
    must(index->count > 0 && slot->number, "what is found was counted");
    index->count--;
    for (uint32_t at = (gap + 1) & mask; slots[at].number; at = (at + 1) & mask)
        if (((at - slots[at].hash) & mask) >= ((at - gap) & mask)) {
            slots[gap] = slots[at];
            gap = at;
        }
    slots[gap].number = 0;
}

void index_clear(struct index *index)
{
    free(index->slots);
    *index = (struct index){0};
}
