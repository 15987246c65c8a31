/* rows/table.c - see table.h. Each lies at its place or behind it, with no hole in between. */
#include "table.h"

#include <stdlib.h>

#include "wire.h"

enum { SMALLEST = 64 };

static uint64_t place(const struct table *table, uint64_t a, uint64_t b)
{
    uint64_t mixed = (a ^ b * 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
    return (mixed ^ mixed >> 32) & (table->size - 1);
}

static struct slot *find(const struct table *table, uint64_t a, uint64_t b)
{
    uint64_t at = place(table, a, b);
    for (;; at = (at + 1) & (table->size - 1)) {
        struct slot *slot = &table->slots[at];
        if (slot->value == TABLE_NONE || (slot->a == a && slot->b == b))
            return slot;
    }
}

void table_clear(struct table *table)
{
    for (uint64_t at = 0; at < table->size; at++)
        table->slots[at].value = TABLE_NONE;
    table->used = 0;
}

static void grow(struct table *table)
{
    struct table larger = {.size = table->size ? 2 * table->size : SMALLEST};
    larger.slots = must_have(larger.size, sizeof *larger.slots);
    table_clear(&larger);
    larger.used = table->used;
    for (uint64_t at = 0; at < table->size; at++) {
        const struct slot *slot = &table->slots[at];
        if (slot->value != TABLE_NONE)
            *find(&larger, slot->a, slot->b) = *slot;
    }
    free(table->slots);
    *table = larger;
}

uint64_t table_get(const struct table *table, uint64_t a, uint64_t b)
{
    return table->size ? find(table, a, b)->value : TABLE_NONE;
}

uint64_t *table_at(struct table *table, uint64_t a, uint64_t b)
{
    if (table->used >= table->size / 4 * 3)
        grow(table);
    struct slot *slot = find(table, a, b);
    if (slot->value == TABLE_NONE) {
        *slot = (struct slot){.a = a, .b = b, .value = TABLE_NONE};
        table->used++; /* its owner gives it a value at once */
    }
    return &slot->value;
}

uint64_t table_take(struct table *table, uint64_t a, uint64_t b)
{
    struct slot *hole = table->size ? find(table, a, b) : NULL;
    uint64_t value = hole ? hole->value : TABLE_NONE;
    if (value == TABLE_NONE)
        return value;
    uint64_t mask = table->size - 1, empty = (uint64_t)(hole - table->slots);
    for (uint64_t at = (empty + 1) & mask; table->slots[at].value != TABLE_NONE;
         at = (at + 1) & mask) {
        uint64_t own = place(table, table->slots[at].a, table->slots[at].b);
        if (((at - own) & mask) >= ((at - empty) & mask)) {
            table->slots[empty] = table->slots[at];
            empty = at;
        }
    }
    table->slots[empty].value = TABLE_NONE;
    table->used--;
    return value;
}
