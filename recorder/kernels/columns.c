/* Passes over the packed columns of events: rows/column.h unpacks them. */
#include "../rows/column.h"
#include "kernels.h"
#include <stdlib.h>

struct shape {
    int64_t offset, length, width, is_delta, base, period;
};

static int is_inside(const struct shape *shape, int64_t length)
{
    return shape->offset >= 0 && shape->length >= 0 && shape->offset <= length &&
           shape->length <= length - shape->offset;
}

static struct packed_column column_of(const struct shape *shape, const uint8_t *data)
{
    return (struct packed_column){
        .width = (uint64_t)shape->width,
        .is_delta = (uint64_t)shape->is_delta,
        .base = (uint64_t)shape->base,
        .period = (uint64_t)shape->period,
        .data = data + shape->offset,
        .length = (size_t)shape->length,
    };
}

struct scratch {
    uint8_t room[COLUMN_ROOM];
    uint64_t all[ROWS_CHUNK];
};

static struct scratch *scratch_of(int64_t count)
{
    return count >= 0 && count <= ROWS_CHUNK ? malloc(sizeof(struct scratch)) : NULL;
}

int64_t unpack(const uint8_t *data, int64_t length, const int64_t *shapes, int64_t columns,
               int64_t count, const int32_t *rows, int64_t wanted, int64_t *found)
{
    for (int64_t i = 0; i < wanted; i++)
        if (rows[i] < 0 || rows[i] >= count)
            return FAILED;
    struct scratch *scratch = scratch_of(count);
    int is_whole = scratch != NULL;
    for (int64_t i = 0; is_whole && i < columns; i++) {
        const struct shape *shape = (const struct shape *)shapes + i;
        if (!is_inside(shape, length)) {
            is_whole = 0;
            break;
        }
        struct packed_column column = column_of(shape, data);
        uint64_t *into = (uint64_t *)found + i * (wanted < 0 ? count : wanted);
        enum column_damage damage =
            wanted < 0 ? column_unpack(&column, (uint32_t)count, scratch->room, into)
                       : column_pick(&column, (uint32_t)count, scratch->room, scratch->all, rows,
                                     (size_t)wanted, into);
        is_whole = damage == COLUMN_WHOLE;
    }
    free(scratch);
    return is_whole ? 0 : FAILED;
}

int64_t marked(const uint8_t *data, int64_t length, const int64_t *shapes, int64_t count,
               const uint8_t *table, int64_t size, int32_t *rows, uint8_t *marks)
{
    struct scratch *scratch = scratch_of(count);
    const struct shape *shape = (const struct shape *)shapes;
    if (!scratch || !is_inside(shape, length)) {
        free(scratch);
        return FAILED;
    }
    struct packed_column column = column_of(shape, data);
    int64_t found = FAILED;
    if (column_unpack(&column, (uint32_t)count, scratch->room, scratch->all) == COLUMN_WHOLE) {
        found = 0;
        for (int64_t row = 0; row < count; row++) {
            uint64_t value = scratch->all[row];
            if (value < (uint64_t)size && table[value]) {
                rows[found] = (int32_t)row;
                marks[found++] = table[value];
            }
        }
    }
    free(scratch);
    return found;
}

int64_t gather(const void *column, int64_t size, const int32_t *rows, int64_t count, int64_t width,
               void *found)
{
    for (int64_t i = 0; i < count; i++)
        if (rows[i] < 0 || rows[i] >= size)
            return FAILED;
    if (width == 4)
        for (int64_t i = 0; i < count; i++)
            ((uint32_t *)found)[i] = ((const uint32_t *)column)[rows[i]];
    else if (width == 8)
        for (int64_t i = 0; i < count; i++)
            ((uint64_t *)found)[i] = ((const uint64_t *)column)[rows[i]];
    else
        return FAILED;
    return 0;
}
