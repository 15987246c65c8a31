/* history/columns.h - a chunk of events as columns of integers, and how a column is packed. */
#ifndef BRKPOINT_HISTORY_COLUMNS_H
#define BRKPOINT_HISTORY_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "contract.h"
#include "contract_history.h"

struct chunk {
    uint64_t first; /* the event in row 0 */
    uint32_t count;
    uint32_t last;             /* the last row of the chunk before: its values are still there */
    uint32_t used;             /* bits: columns that hold anything but zeros */
    uint64_t *column[COLUMNS]; /* in one piece of memory, `values` */
    uint64_t *values;
    struct packer *packer;
    uint8_t *record; /* room for a packed column and its head */
};

/* A packed column: docs/trace-format.md, "Events". */
struct packed {
    uint8_t width, is_delta;
    uint32_t period;
    uint64_t base;
    const uint8_t *data; /* the packer's, until the next one is packed */
    size_t length;
};

int chunk_open(struct chunk *chunk, uint32_t room); /* -1: no memory */
void chunk_free(struct chunk *chunk);

/* Pack a column of the chunk; -1: no memory. */
int chunk_pack(struct chunk *chunk, enum column column, struct packed *packed);

/* The bit of `present` that belongs to a column, or 0. */
static inline unsigned column_bit(enum column column)
{
    static const uint16_t bits[COLUMNS] = COLUMN_BITS;
    return bits[column];
}

#endif
