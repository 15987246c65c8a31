/* rows/column.c - see column.h. The rules are those of alloctrace/columns/columns.py. */
#include "column.h"

#include <isa-l/igzip_lib.h>

static enum column_damage inflated(const struct packed_column *column, uint32_t size, uint8_t *room)
{
    if (column->length > ROWS_LONGEST)
        return COLUMN_MEMORY;
    struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_ZLIB;
    state.next_in = (uint8_t *)(uintptr_t)column->data;
    state.avail_in = (uint32_t)column->length;
    state.next_out = room;
    state.avail_out = size + 1;
    int is_whole = isal_inflate_stateless(&state) == ISAL_DECOMP_OK && state.total_out == size &&
                   !state.avail_in;
    return is_whole ? COLUMN_WHOLE : COLUMN_LENGTH;
}

/* The differences of one period, as bytes; of width 0 there are none. */
static enum column_damage differences(const struct packed_column *column, uint32_t count,
                                      uint8_t *room)
{
    uint64_t width = column->width, period = column->period;
    if (!width)
        return COLUMN_WHOLE;
    if (width != 1 && width != 2 && width != 4 && width != 8)
        return COLUMN_WIDTH;
    if (period != count && (period < 1 || period > ROWS_PERIOD || period >= count))
        return COLUMN_PERIOD;
    return inflated(column, (uint32_t)(width * period), room);
}

/* Lowest bytes first, then all second ones …, with a sign. */
static inline __attribute__((always_inline)) uint64_t number(const uint8_t *raw, uint32_t width,
                                                             uint32_t period, uint32_t row)
{
    uint32_t unused = 64 - 8 * width;
    uint64_t value = 0;
    for (uint32_t plane = 0; plane < width; plane++)
        value |= (uint64_t)raw[plane * period + row] << 8 * plane;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

static inline __attribute__((always_inline)) void put_together(uint64_t *into, const uint8_t *raw,
                                                               uint32_t width, uint32_t period)
{
    for (uint32_t row = 0; row < period; row++)
        into[row] = number(raw, width, period, row);
}

static void put_all_together(uint64_t *into, const uint8_t *raw, uint64_t width, uint32_t period)
{
    switch (width) {
    case 1:
        return put_together(into, raw, 1, period);
    case 2:
        return put_together(into, raw, 2, period);
    case 4:
        return put_together(into, raw, 4, period);
    default:
        return put_together(into, raw, 8, period);
    }
}

enum column_damage column_unpack(const struct packed_column *column, uint32_t count, uint8_t *room,
                                 uint64_t *into)
{
    enum column_damage damage = differences(column, count, room);
    if (damage)
        return damage;
    if (!column->width) {
        for (uint32_t row = 0; row < count; row++)
            into[row] = column->base;
        return COLUMN_WHOLE;
    }
    uint32_t period = (uint32_t)column->period;
    put_all_together(into, room, column->width, period);
    for (uint32_t row = period; row < count; row++)
        into[row] = into[row - period];
    uint64_t sum = column->base;
    for (uint32_t row = 0; row < count; row++)
        into[row] = column->is_delta ? (sum += into[row]) : into[row] + sum;
    return COLUMN_WHOLE;
}

static inline __attribute__((always_inline)) void gather(uint64_t *into, const uint8_t *raw,
                                                         uint32_t width, uint32_t period,
                                                         const int32_t *rows, size_t wanted)
{
    for (size_t i = 0; i < wanted; i++)
        into[i] = number(raw, width, period, (uint32_t)rows[i] % period);
}

static void gather_all(uint64_t *into, const uint8_t *raw, uint64_t width, uint32_t period,
                       const int32_t *rows, size_t wanted)
{
    switch (width) {
    case 1:
        return gather(into, raw, 1, period, rows, wanted);
    case 2:
        return gather(into, raw, 2, period, rows, wanted);
    case 4:
        return gather(into, raw, 4, period, rows, wanted);
    default:
        return gather(into, raw, 8, period, rows, wanted);
    }
}

enum column_damage column_pick(const struct packed_column *column, uint32_t count, uint8_t *room,
                               uint64_t *all, const int32_t *rows, size_t wanted, uint64_t *into)
{
    if (column->is_delta) {
        enum column_damage damage = column_unpack(column, count, room, all);
        for (size_t i = 0; !damage && i < wanted; i++)
            into[i] = all[rows[i]];
        return damage;
    }
    enum column_damage damage = differences(column, count, room);
    if (damage)
        return damage;
    for (size_t i = 0; i < wanted; i++)
        into[i] = 0;
    if (column->width)
        gather_all(into, room, column->width, (uint32_t)column->period, rows, wanted);
    for (size_t i = 0; i < wanted; i++)
        into[i] += column->base;
    return COLUMN_WHOLE;
}
