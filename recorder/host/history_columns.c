/* history_columns.c - packs columns so that what repeats, or hardly changes, vanishes.
 *
 * A NULL holds whatever was in the row before it, which costs nothing. The column is turned into differences, to the value before or to a base; what repeats with a short period is
 * kept once; the rest is split into bytes of equal rank and deflated. Times are noise: only their
 * frequency is used, for looking for repetitions in them costs more than all the rest.
 */
#include "history_columns.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LONGEST_PERIOD = 8, LEVEL = 1, WINDOW = 15, MEMORY = 8 };

struct packer {
    uint32_t room;
    uint64_t *differences;
    uint8_t *planes, *out;
    size_t out_room;
    z_stream repeating, noisy;
    int has_repeating, has_noisy;
};

static const struct {
    uint8_t is_delta, is_noisy;
} column_facts[COLUMNS] = {
    [T_NS] = {.is_delta = 1, .is_noisy = 1}, [DUR_NS] = {.is_noisy = 1},   [PTR] = {.is_delta = 1},
    [RESULT] = {.is_delta = 1},              [BLOCK] = {.is_delta = 1},
};

static int open_stream(z_stream *stream, int strategy)
{
    return deflateInit2(stream, LEVEL, Z_DEFLATED, WINDOW, MEMORY, strategy) == Z_OK;
}

static struct packer *new_packer(uint32_t room)
{
    struct packer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->room = room;
    p->has_repeating = open_stream(&p->repeating, Z_DEFAULT_STRATEGY);
    p->has_noisy = open_stream(&p->noisy, Z_HUFFMAN_ONLY);
    p->out_room = p->has_repeating ? deflateBound(&p->repeating, 8 * room) : 0;
    p->differences = malloc(room * sizeof *p->differences);
    p->planes = malloc(8 * (size_t)room);
    p->out = malloc(p->out_room);
    return p;
}

static int is_whole(const struct packer *p)
{
    return p && p->has_repeating && p->has_noisy && p->differences && p->planes && p->out;
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
    chunk->record = malloc(RECORD_HEAD + chunk->packer->out_room);
    return chunk->record ? 0 : -1;
}

void chunk_free(struct chunk *chunk)
{
    struct packer *p = chunk->packer;
    free(chunk->values);
    free(chunk->record);
    if (!p)
        return;
    if (p->has_repeating)
        deflateEnd(&p->repeating);
    if (p->has_noisy)
        deflateEnd(&p->noisy);
    free(p->differences);
    free(p->planes);
    free(p->out);
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

static void range_of(const uint64_t *values, uint32_t count, int64_t *low, int64_t *high)
{
    *low = *high = (int64_t)values[0];
    for (uint32_t row = 1; row < count; row++) {
        int64_t value = (int64_t)values[row];
        *low = value < *low ? value : *low;
        *high = value > *high ? value : *high;
    }
}

/* Differences to the middle of the range, so that the fewest bytes hold them. */
static uint8_t take_offsets(uint64_t *to, const uint64_t *values, uint32_t count, uint64_t *base)
{
    int64_t low, high;
    range_of(values, count, &low, &high);
    uint64_t range = (uint64_t)high - (uint64_t)low;
    uint8_t width = 0;
    *base = (uint64_t)low;
    if (range) {
        for (width = 1; width < 8 && range >> 8 * width; width *= 2)
            ;
        *base = width == 8 ? 0 : (uint64_t)low + ((uint64_t)1 << (8 * width - 1));
    }
    for (uint32_t row = 0; row < count; row++)
        to[row] = values[row] - *base;
    return width;
}

/* All lowest bytes, then all second ones …: those that hardly change stand together. */
static void split(uint8_t *to, const uint64_t *values, uint32_t count, unsigned width)
{
    for (unsigned plane = 0; plane < width; plane++)
        for (uint32_t row = 0; row < count; row++)
            *to++ = (uint8_t)(values[row] >> 8 * plane);
}

static int squeeze(struct packer *p, int is_noisy, size_t length, struct packed *packed)
{
    z_stream *stream = is_noisy ? &p->noisy : &p->repeating;
    if (deflateReset(stream) != Z_OK)
        return -1;
    stream->next_in = p->planes;
    stream->avail_in = (uInt)length;
    stream->next_out = p->out;
    stream->avail_out = (uInt)p->out_room;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return -1;
    packed->data = p->out;
    packed->length = p->out_room - stream->avail_out;
    return 0;
}

/* What repeats as it is, is looked at no further than its second time. */
static uint32_t rows_to_look_at(const uint64_t *values, uint32_t count)
{
    uint32_t period = period_of(values, count);
    return period < count ? 2 * period + 1 : count;
}

int chunk_pack(struct chunk *chunk, enum column column, struct packed *packed)
{
    struct packer *p = chunk->packer;
    const uint64_t *values = chunk->column[column];
    uint32_t count = rows_to_look_at(values, chunk->count);
    *packed = (struct packed){.is_delta = column_facts[column].is_delta, .data = p->out};
    if (packed->is_delta) {
        int64_t low, high;
        packed->period = take_deltas(p->differences, values, count, &packed->base);
        range_of(p->differences, packed->period, &low, &high);
        packed->width = low || high ? width_of(low, high) : 0;
    } else {
        packed->period = period_of(values, count);
        packed->width = take_offsets(p->differences, values, packed->period, &packed->base);
    }
    if (!packed->width)
        return 0;
    split(p->planes, p->differences, packed->period, packed->width);
    return squeeze(p, column_facts[column].is_noisy, (size_t)packed->period * packed->width,
                   packed);
}
