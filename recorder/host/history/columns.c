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

/* AT_ONCE: rows that are worked on while they are in the nearest cache. */
enum { LONGEST_PERIOD = 8, AT_ONCE = 512 };

struct packer {
    uint8_t *planes;
    struct deflater *deflater;
};

static const uint8_t is_delta[COLUMNS] = COLUMN_IS_DELTA;
/* Addresses: differences may be as wide as they are themselves. */
static const uint8_t may_jump[COLUMNS] = {[PTR] = 1, [RESULT] = 1};

static struct packer *new_packer(uint32_t room)
{
    struct packer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->planes = malloc(8 * (size_t)room);
    p->deflater = deflater_new(8 * (size_t)room);
    return p;
}

static int is_whole(const struct packer *p)
{
    return p && p->planes && p->deflater;
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

/* The same of the differences from each value to the next: those a period apart are alike where all
 * values so far apart are equally far from each other. */
static uint32_t period_of_deltas(const uint64_t *values, uint32_t count)
{
    for (uint32_t period = 1; period <= LONGEST_PERIOD && 2 * period < count - 1; period++) {
        uint64_t step = values[period] - values[0];
        uint32_t row = 1;
        while (row + period < count && values[row + period] - values[row] == step)
            row++;
        if (row + period == count)
            return period;
    }
    return count;
}

/* Bytes that hold each difference, a signed number. */
WIDE static uint8_t width_of_deltas(const uint64_t *values, uint32_t count)
{
    uint64_t any = 0, bits = 0;
    for (uint32_t row = 1; row < count; row++) {
        uint64_t delta = values[row] - values[row - 1];
        any |= delta;
        bits |= (int64_t)delta < 0 ? ~delta : delta;
    }
    uint8_t width = any ? 1 : 0;
    while (width && width < 8 && bits >> (8 * width - 1))
        width *= 2;
    return width;
}

struct limits {
    int64_t low, high;
};

WIDE static struct limits limits_of(const uint64_t *values, uint32_t count)
{
    int64_t low = (int64_t)values[0], high = low;
    for (uint32_t row = 1; row < count; row++) {
        int64_t value = (int64_t)values[row];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    return (struct limits){low, high};
}

/* Bytes for any offset within them. */
static uint8_t width_of_offsets(struct limits limits)
{
    uint64_t range = (uint64_t)limits.high - (uint64_t)limits.low;
    uint8_t width = range ? 1 : 0;
    while (width && width < 8 && range >> 8 * width)
        width *= 2;
    return width;
}

/* The middle of the range, so that the fewest bytes hold the differences to it. */
static uint64_t base_within(struct limits limits, uint8_t width)
{
    if (!width)
        return (uint64_t)limits.low;
    return width == 8 ? 0 : (uint64_t)limits.low + ((uint64_t)1 << (8 * width - 1));
}

/* The bytes of some rows into planes of `count` bytes each, from `to` on. */
static inline void split(uint8_t *to, const uint64_t *rows, uint32_t some, uint32_t count,
                         unsigned width)
{
    for (unsigned plane = 0; plane < width; plane++)
        for (uint32_t row = 0; row < some; row++)
            to[(size_t)plane * count + row] = (uint8_t)(rows[row] >> 8 * plane);
}

/* All lowest bytes, then all second ones …: those that hardly change stand together. Of each value
 * `base` is taken. */
WIDE static void split_offsets(uint8_t *to, const uint64_t *values, const struct packed *packed)
{
    uint64_t rows[AT_ONCE];
    for (uint32_t from = 0; from < packed->period; from += AT_ONCE) {
        uint32_t left = packed->period - from, some = left < AT_ONCE ? left : AT_ONCE;
        for (uint32_t row = 0; row < some; row++)
            rows[row] = values[from + row] - packed->base;
        split(to + from, rows, some, packed->period, packed->width);
    }
}

/* The same of each value the one before it; of the first one `before`. */
WIDE static void split_deltas(uint8_t *to, const uint64_t *values, uint64_t before,
                              const struct packed *packed)
{
    uint64_t rows[AT_ONCE];
    for (uint32_t from = 0; from < packed->period; from += AT_ONCE) {
        uint32_t left = packed->period - from, some = left < AT_ONCE ? left : AT_ONCE;
        rows[0] = values[from] - (from ? values[from - 1] : before);
        for (uint32_t row = 1; row < some; row++)
            rows[row] = values[from + row] - values[from + row - 1];
        split(to + from, rows, some, packed->period, packed->width);
    }
}

/* What repeats as it is, is looked at no further than its second time: differences, of which there is
 * one less, must be seen to repeat as well. */
static uint32_t rows_to_look_at(const uint64_t *values, uint32_t count)
{
    uint32_t period = period_of(values, count), rows = 2 * period + 2;
    return period < count && rows < count ? rows : count;
}

/* The first difference is free, for the base makes up for it: it is the one a period later. */
static void plan_deltas(const uint64_t *values, uint32_t count, struct packed *packed)
{
    uint32_t period = count > 1 ? period_of_deltas(values, count) : 1;
    uint32_t like = period < count ? period : 1;
    packed->is_delta = 1;
    packed->period = period;
    packed->width = width_of_deltas(values, count);
    packed->base = count > 1 ? values[0] - (values[like] - values[like - 1]) : values[0];
}

static void plan_offsets(const uint64_t *values, uint32_t count, struct limits limits,
                         struct packed *packed)
{
    packed->is_delta = 0;
    packed->period = period_of(values, count);
    packed->width = width_of_offsets(limits);
    packed->base = base_within(limits, packed->width);
}

static void plan(const uint64_t *values, uint32_t count, enum column column, struct packed *packed)
{
    if (is_delta[column])
        plan_deltas(values, count, packed);
    if (is_delta[column] && (packed->width < 2 || !may_jump[column]))
        return;
    struct limits limits = limits_of(values, count);
    if (!is_delta[column] || width_of_offsets(limits) <= packed->width)
        plan_offsets(values, count, limits, packed);
}

int chunk_pack(struct chunk *chunk, enum column column, struct packed *packed)
{
    struct packer *p = chunk->packer;
    const uint64_t *values = chunk->column[column];
    *packed = (struct packed){.data = p->planes};
    plan(values, rows_to_look_at(values, chunk->count), column, packed);
    if (!packed->width)
        return 0;
    if (packed->is_delta)
        split_deltas(p->planes, values, packed->base, packed);
    else
        split_offsets(p->planes, values, packed);
    return deflate_bytes(p->deflater, p->planes, (size_t)packed->period * packed->width, packed);
}
