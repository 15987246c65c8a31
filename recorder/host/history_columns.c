/* history_columns.c - packs columns so that what repeats, or hardly changes, vanishes.
 *
 * A NULL holds whatever was in the row before it, which costs nothing. The column is turned into
 * differences, to the value before or to a base; what repeats with a short period is kept once;
 * the rest is split into bytes of equal rank. To deflate them is by far the dearest step: each of
 * these planes is looked at first, and gets no more of it than it can use.
 */
#include "history_columns.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Loops that are worth the widest registers there are. */
#define WIDE __attribute__((target_clones("avx2", "default")))

enum { LONGEST_PERIOD = 8, WINDOW = 15, MEMORY = 8, PARTS = 8 * 64, SEEN = 4096, FEW = 64 };

/* How a plane is deflated: not at all, by how often its bytes come, or by what comes again. */
enum method { STORED, COUNTED, REPEATING };

struct packer {
    uint32_t room;
    uint64_t *differences;
    uint8_t *planes, *out;
    size_t out_room;
    z_stream stream;
    int has_stream;
    uint16_t seen[SEEN];
};

static const struct {
    uint8_t is_delta, is_noisy;
    uint8_t may_jump; /* addresses: differences may be as wide as they are themselves */
} column_facts[COLUMNS] = {
    [T_NS] = {.is_delta = 1, .is_noisy = 1},
    [DUR_NS] = {.is_noisy = 1},
    [PTR] = {.is_delta = 1, .may_jump = 1},
    [RESULT] = {.is_delta = 1, .may_jump = 1},
    [BLOCK] = {.is_delta = 1},
};

static struct packer *new_packer(uint32_t room)
{
    struct packer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->room = room;
    p->has_stream =
        deflateInit2(&p->stream, 1, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    p->out_room = p->has_stream ? deflateBound(&p->stream, 8 * room) + PARTS : 0;
    p->differences = malloc(room * sizeof *p->differences);
    p->planes = malloc(8 * (size_t)room);
    p->out = malloc(p->out_room);
    return p;
}

static int is_whole(const struct packer *p)
{
    return p && p->has_stream && p->differences && p->planes && p->out;
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
    if (p->has_stream)
        deflateEnd(&p->stream);
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

static uint64_t eight_bytes(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Whether of some places in the plane a quarter has been seen before, eight bytes long. */
static int comes_again(struct packer *p, const uint8_t *plane, uint32_t count)
{
    unsigned hits = 0, looks = 0;
    memset(p->seen, 0, sizeof p->seen);
    for (uint32_t at = 0; at + 8 <= count; at++) {
        uint64_t here = eight_bytes(plane + at);
        uint16_t *slot = &p->seen[here * 0x9e3779b97f4a7c15u >> 52];
        if (at % 61 == 60) {
            looks++;
            hits += eight_bytes(plane + *slot) == here;
        }
        *slot = (uint16_t)at;
    }
    return 4 * hits > looks;
}

/* How many different bytes there are among some of the plane. */
static unsigned variety(const uint8_t *plane, uint32_t count)
{
    uint8_t seen[256] = {0};
    unsigned found = 0;
    uint32_t step = count / 256 + 1;
    for (uint32_t at = 0; at < count; at += step) {
        found += !seen[plane[at]];
        seen[plane[at]] = 1;
    }
    return found;
}

/* Times are noise: a bit or two could be gained, for more than all the rest costs. */
static enum method method_for(struct packer *p, int is_noisy, const uint8_t *plane, uint32_t count)
{
    unsigned found = variety(plane, count);
    if (found <= 4)
        return COUNTED;
    if (is_noisy)
        return STORED;
    if (count <= UINT16_MAX && comes_again(p, plane, count))
        return REPEATING;
    return found <= 32 ? COUNTED : STORED;
}

/* A zlib stream that holds the planes as they are, in blocks of at most 65535 bytes. */
static void store(struct packer *p, size_t length, struct packed *packed)
{
    uint8_t *to = p->out;
    uint32_t sum = (uint32_t)adler32(1, p->planes, (uInt)length);
    *to++ = 0x78;
    *to++ = 0x01;
    for (size_t at = 0; at < length;) {
        size_t part = length - at < UINT16_MAX ? length - at : UINT16_MAX;
        const uint8_t head[5] = {at + part == length, (uint8_t)part, (uint8_t)(part >> 8),
                                 (uint8_t)~part, (uint8_t)(~part >> 8)};
        memcpy(to, head, sizeof head);
        memcpy(to + sizeof head, p->planes + at, part);
        to += sizeof head + part;
        at += part;
    }
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(sum >> shift);
    packed->data = p->out;
    packed->length = (size_t)(to - p->out);
}

/* One plane after the other, each by its method. */
static int squeeze(struct packer *p, const enum method *methods, uint32_t count, unsigned width,
                   struct packed *packed)
{
    z_stream *stream = &p->stream;
    if (deflateReset(stream) != Z_OK)
        return -1;
    stream->next_out = p->out;
    stream->avail_out = (uInt)p->out_room;
    for (unsigned plane = 0; plane < width; plane++) {
        int is_last = plane + 1 == width, level = methods[plane] == STORED ? 0 : 1;
        stream->avail_in = 0;
        if (deflateParams(stream, level, methods[plane] == COUNTED ? Z_RLE : Z_DEFAULT_STRATEGY))
            return -1;
        stream->next_in = p->planes + (size_t)plane * count;
        stream->avail_in = count;
        if (deflate(stream, is_last ? Z_FINISH : Z_BLOCK) != (is_last ? Z_STREAM_END : Z_OK))
            return -1;
    }
    packed->data = p->out;
    packed->length = p->out_room - stream->avail_out;
    return 0;
}

static int pack_planes(struct packer *p, int is_noisy, uint32_t count, unsigned width,
                       struct packed *packed)
{
    enum method methods[8];
    int can_use_more = 0;
    for (unsigned plane = 0; plane < width && count * width > FEW; plane++) {
        methods[plane] = method_for(p, is_noisy, p->planes + (size_t)plane * count, count);
        can_use_more |= methods[plane] != STORED;
    }
    if (can_use_more)
        return squeeze(p, methods, count, width, packed);
    store(p, (size_t)count * width, packed);
    return 0;
}

/* What repeats as it is, is looked at no further than its second time. */
static uint32_t rows_to_look_at(const uint64_t *values, uint32_t count)
{
    uint32_t period = period_of(values, count);
    return period < count ? 2 * period + 1 : count;
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
    *packed = (struct packed){.data = p->out};
    if (column_facts[column].is_delta)
        pack_deltas(p, values, count, packed);
    else
        pack_offsets(p, values, count, packed);
    if (packed->width > 1 && column_facts[column].may_jump &&
        offset_width(values, count) <= packed->width)
        pack_offsets(p, values, count, packed);
    if (!packed->width)
        return 0;
    split(p->planes, p->differences, packed->period, packed->width);
    return pack_planes(p, column_facts[column].is_noisy, packed->period, packed->width, packed);
}
