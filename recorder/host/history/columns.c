/* history/columns.c - packs columns so that what repeats, or hardly changes, vanishes.
 *
 * A NULL holds whatever was in the row before it, which costs nothing. The column is turned into
 * differences, to the value before or to a base; what repeats with a short period is kept once;
 * the rest is split into bytes of equal rank, and deflated as far as that pays.
 */
#include "columns.h"
#include "deflate.h"

#include <stdlib.h>
#include <string.h>

/* Loops that are worth the widest registers there are. */
#define WIDE __attribute__((target_clones("avx2", "default")))

enum { LONGEST_PERIOD = 8 };

struct packer {
    uint64_t *differences;
    uint8_t *planes;
    struct deflater *deflater;
};

static const struct {
    uint8_t is_noisy;
    uint8_t may_jump; /* addresses: differences may be as wide as they are themselves */
} column_facts[COLUMNS] = {
    [T_NS] = {.is_noisy = 1},
    [DUR_NS] = {.is_noisy = 1},
    [PTR] = {.may_jump = 1},
    [RESULT] = {.may_jump = 1},
};

static const uint8_t is_delta[COLUMNS] = COLUMN_IS_DELTA;

static struct packer *new_packer(uint32_t room)
{
    struct packer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->differences = malloc(room * sizeof *p->differences);
    p->planes = malloc(8 * (size_t)room);
    p->deflater = deflater_new(8 * (size_t)room);
    return p;
}

static int is_whole(const struct packer *p)
{
    return p && p->differences && p->planes && p->deflater;
}

/* Columns begin at different places of a page: else all would compete for the same lines of the
 * first cache, row by row. */
int chunk_open(struct chunk *chunk, uint32_t room)
{
    size_t step = room + 3 * 64 / sizeof *chunk->values;
    *chunk = (struct chunk){.packer = new_packer(room)};
    chunk->values = calloc(COLUMNS * step, sizeof *chunk->values);
    for (int column = 0; chunk->values && column < COLUMNS; column++)
        chunk->column[column] = chunk->values + (size_t)column * step;
    if (!chunk->values || !is_whole(chunk->packer))
        return -1;
    chunk->record = malloc(sizeof(struct spool_column) + deflater_room(chunk->packer->deflater));
    return chunk->record ? 0 : -1;
}

void chunk_free(struct chunk *chunk)
{
    struct packer *p = chunk->packer;
    free(chunk->values);
    free(chunk->record);
    if (!p)
        return;
    deflater_free(p->deflater);
    free(p->differences);
    free(p->planes);
    free(p);
}

/* The shortest period with which the values repeat, or `count`. */
static uint32_t period_of(const uint64_t *values, uint32_t count)
{
    for (uint32_t period = 1; period <= LONGEST_PERIOD && 2 * period < count; period++)
        if (!memcmp(values, values + period, (count - period) * sizeof *values))
            return period;
    return count;
}

/* Differences to the value before; the first one is free, for the base makes up for it. */
static uint32_t take_deltas(uint64_t *to, const uint64_t *values, uint32_t count, uint64_t *base)
{
    for (uint32_t row = 1; row < count; row++)
        to[row] = values[row] - values[row - 1];
    to[0] = count > 1 ? to[1] : 0;
    uint32_t period = count > 1 ? period_of(to + 1, count - 1) : 1;
    if (period + 1 < count)
        to[0] = to[period];
    else
        period = count;
    *base = values[0] - to[0];
    return period;
}

static uint8_t width_of(int64_t low, int64_t high)
{
    for (uint8_t width = 1; width < 8; width *= 2)
        if (low >= -((int64_t)1 << (8 * width - 1)) && high < (int64_t)1 << (8 * width - 1))
            return width;
    return 8;
}

WIDE static void range_of(const uint64_t *values, uint32_t count, int64_t *low, int64_t *high)
{
    *low = *high = (int64_t)values[0];
    for (uint32_t row = 1; row < count; row++) {
        int64_t value = (int64_t)values[row];
        *low = value < *low ? value : *low;
        *high = value > *high ? value : *high;
    }
}

/* Bytes for any offset in the range of the values. */
static uint8_t offset_width(const uint64_t *values, uint32_t count)
{
    int64_t low, high;
    range_of(values, count, &low, &high);
    uint64_t range = (uint64_t)high - (uint64_t)low;
    uint8_t width = range ? 1 : 0;
    while (width && width < 8 && range >> 8 * width)
        width *= 2;
    return width;
}

/* Differences to the middle of the range, so that the fewest bytes hold them. */
static uint8_t take_offsets(uint64_t *to, const uint64_t *values, uint32_t count, uint64_t *base)
{
    int64_t low, high;
    uint8_t width = offset_width(values, count);
    range_of(values, count, &low, &high);
    *base = (uint64_t)low;
    if (width)
        *base = width == 8 ? 0 : (uint64_t)low + ((uint64_t)1 << (8 * width - 1));
    for (uint32_t row = 0; row < count; row++)
        to[row] = values[row] - *base;
    return width;
}

/* All lowest bytes, then all second ones …: those that hardly change stand together. */
WIDE static void split(uint8_t *to, const uint64_t *values, uint32_t count, unsigned width)
{
    for (unsigned plane = 0; plane < width; plane++)
        for (uint32_t row = 0; row < count; row++)
            *to++ = (uint8_t)(values[row] >> 8 * plane);
}

/* What repeats as it is, is looked at no further than its second time: differences, of which there is
 * one less, must be seen to repeat as well. */
static uint32_t rows_to_look_at(const uint64_t *values, uint32_t count)
{
    uint32_t period = period_of(values, count), rows = 2 * period + 2;
    return period < count && rows < count ? rows : count;
}

static void pack_deltas(struct packer *p, const uint64_t *values, uint32_t count,
                        struct packed *packed)
{
    int64_t low, high;
    packed->period = take_deltas(p->differences, values, count, &packed->base);
    range_of(p->differences, packed->period, &low, &high);
    packed->width = low || high ? width_of(low, high) : 0;
    packed->is_delta = 1;
}

static void pack_offsets(struct packer *p, const uint64_t *values, uint32_t count,
                         struct packed *packed)
{
    packed->period = period_of(values, count);
    packed->width = take_offsets(p->differences, values, packed->period, &packed->base);
    packed->is_delta = 0;
}

int chunk_pack(struct chunk *chunk, enum column column, struct packed *packed)
{
    struct packer *p = chunk->packer;
    const uint64_t *values = chunk->column[column];
    uint32_t count = rows_to_look_at(values, chunk->count);
    *packed = (struct packed){.data = p->planes};
    if (is_delta[column])
        pack_deltas(p, values, count, packed);
    else
        pack_offsets(p, values, count, packed);
    if (packed->width > 1 && column_facts[column].may_jump &&
        offset_width(values, count) <= packed->width)
        pack_offsets(p, values, count, packed);
    if (!packed->width)
        return 0;
    split(p->planes, p->differences, packed->period, packed->width);
    return deflate_planes(p->deflater, p->planes, packed->period, column_facts[column].is_noisy,
                          packed);
}
