/* history/deflate.c - to deflate is by far the dearest step of an event: each plane is looked at
 * first, and gets no more of it than it can use. */
#include "deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { WINDOW = 15, MEMORY = 8, PARTS = 8 * 64, SEEN = 4096, FEW = 64 };

/* How a plane is deflated: not at all, by how often its bytes come, or by what comes again. */
enum method { STORED, COUNTED, REPEATING };

struct deflater {
    z_stream stream;
    uint8_t *out;
    size_t room;
    uint16_t seen[SEEN];
};

struct deflater *deflater_new(size_t room)
{
    struct deflater *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    if (deflateInit2(&d->stream, 1, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(d);
        return NULL;
    }
    d->room = deflateBound(&d->stream, room) + PARTS;
    d->out = malloc(d->room);
    if (!d->out) {
        deflater_free(d);
        return NULL;
    }
    return d;
}

void deflater_free(struct deflater *d)
{
    if (!d)
        return;
    deflateEnd(&d->stream);
    free(d->out);
    free(d);
}

size_t deflater_room(const struct deflater *d)
{
    return d->room;
}

static uint64_t eight_bytes(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Whether of some places in the plane a quarter has been seen before, eight bytes long. */
static int comes_again(struct deflater *d, const uint8_t *plane, uint32_t count)
{
    unsigned hits = 0, looks = 0;
    memset(d->seen, 0, sizeof d->seen);
    for (uint32_t at = 0; at + 8 <= count; at++) {
        uint64_t here = eight_bytes(plane + at);
        uint16_t *slot = &d->seen[here * 0x9e3779b97f4a7c15u >> 52];
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

/* Whether most bytes are as the one before: times that were spread evenly between two stamps. */
static int has_runs(const uint8_t *plane, uint32_t count)
{
    uint32_t same = 0;
    for (uint32_t at = 1; at < count; at++)
        same += plane[at] == plane[at - 1];
    return 4 * (uint64_t)same > 3 * (uint64_t)count;
}

/* Other times are noise: a bit or two could be gained, for more than all the rest costs. */
static enum method method_for(struct deflater *d, int is_noisy, const uint8_t *plane,
                              uint32_t count)
{
    unsigned found = variety(plane, count);
    if (found <= 4)
        return COUNTED;
    if (is_noisy)
        return has_runs(plane, count) ? COUNTED : STORED;
    if (count <= UINT16_MAX && comes_again(d, plane, count))
        return REPEATING;
    return found <= 32 ? COUNTED : STORED;
}

/* A zlib stream that holds the planes as they are, in blocks of at most 65535 bytes. */
static void store(struct deflater *d, const uint8_t *planes, size_t length, struct packed *packed)
{
    uint8_t *to = d->out;
    uint32_t sum = (uint32_t)adler32(1, planes, (uInt)length);
    *to++ = 0x78;
    *to++ = 0x01;
    for (size_t at = 0; at < length;) {
        size_t part = length - at < UINT16_MAX ? length - at : UINT16_MAX;
        const uint8_t head[5] = {at + part == length, (uint8_t)part, (uint8_t)(part >> 8),
                                 (uint8_t)~part, (uint8_t)(~part >> 8)};
        memcpy(to, head, sizeof head);
        memcpy(to + sizeof head, planes + at, part);
        to += sizeof head + part;
        at += part;
    }
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(sum >> shift);
    packed->data = d->out;
    packed->length = (size_t)(to - d->out);
}

/* One plane after the other, each by its method. */
static int squeeze(struct deflater *d, uint8_t *planes, const enum method *methods, uint32_t count,
                   unsigned width, struct packed *packed)
{
    z_stream *stream = &d->stream;
    if (deflateReset(stream) != Z_OK)
        return -1;
    stream->next_out = d->out;
    stream->avail_out = (uInt)d->room;
    for (unsigned plane = 0; plane < width; plane++) {
        int is_last = plane + 1 == width, level = methods[plane] == STORED ? 0 : 1;
        stream->avail_in = 0;
        if (deflateParams(stream, level, methods[plane] == COUNTED ? Z_RLE : Z_DEFAULT_STRATEGY))
            return -1;
        stream->next_in = planes + (size_t)plane * count;
        stream->avail_in = count;
        if (deflate(stream, is_last ? Z_FINISH : Z_BLOCK) != (is_last ? Z_STREAM_END : Z_OK))
            return -1;
    }
    packed->data = d->out;
    packed->length = d->room - stream->avail_out;
    return 0;
}

int deflate_planes(struct deflater *d, uint8_t *planes, uint32_t count, int is_noisy,
                   struct packed *packed)
{
    unsigned width = packed->width;
    enum method methods[8];
    int can_use_more = 0;
    for (unsigned plane = 0; plane < width && count * width > FEW; plane++) {
        methods[plane] = method_for(d, is_noisy, planes + (size_t)plane * count, count);
        can_use_more |= methods[plane] != STORED;
    }
    if (can_use_more)
        return squeeze(d, planes, methods, count, width, packed);
    store(d, planes, (size_t)count * width, packed);
    return 0;
}
