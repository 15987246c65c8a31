/* rows/table.h - numbers by two numbers: a table that grows. */
#ifndef BRKPOINT_ROWS_TABLE_H
#define BRKPOINT_ROWS_TABLE_H

#include <stdint.h>

#define TABLE_NONE UINT64_MAX /* no value may be this one */

struct slot {
    uint64_t a, b, value; /* TABLE_NONE: there is nothing */
};

struct table { /* all zeros: an empty one */
    struct slot *slots;
    uint64_t size, used;
};

/* The value, or TABLE_NONE. */
uint64_t table_get(const struct table *table, uint64_t a, uint64_t b);

/* Where the value is; TABLE_NONE where it is new. Valid until the next one is put in. */
uint64_t *table_at(struct table *table, uint64_t a, uint64_t b);

/* Take it out: its value, or TABLE_NONE. */
uint64_t table_take(struct table *table, uint64_t a, uint64_t b);

/* It stays as large as it is. */
void table_clear(struct table *table);

#endif
