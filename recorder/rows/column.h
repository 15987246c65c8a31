/* rows/column.h - a column of numbers as a trace holds it: docs/trace-format.md, "Events". Also for
 * recorder/kernels: nothing here ends a program.
 */
#ifndef BRKPOINT_ROWS_COLUMN_H
#define BRKPOINT_ROWS_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "contract_rows.h"

enum { COLUMN_ROOM = 8 * ROWS_CHUNK + 1 /* bytes that unpacking needs beside */ };

struct packed_column {
    uint64_t width, is_delta, base, period;
    const uint8_t *data;
    size_t length;
};

enum column_damage { COLUMN_WHOLE, COLUMN_WIDTH, COLUMN_PERIOD, COLUMN_LENGTH, COLUMN_MEMORY };

/* All its `count` numbers, ROWS_CHUNK at most. */
enum column_damage column_unpack(const struct packed_column *column, uint32_t count, uint8_t *room,
                                 uint64_t *into);

/* Those of `wanted` rows, each less than `count`; `all`: memory for `count` numbers. */
enum column_damage column_pick(const struct packed_column *column, uint32_t count, uint8_t *room,
                               uint64_t *all, const int32_t *rows, size_t wanted, uint64_t *into);

#endif
