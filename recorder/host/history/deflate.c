/* history/deflate.c - one call of ISA-L, whose lowest levels take a fifth of zlib's time and less room. */
#include "deflate.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

/* Of a stream that cannot be deflated: its head and sum, and a head for each stored block. */
enum { WRAPPING = 64, STORED_HEAD = 5, STORED = 1 << 15 };

struct deflater {
    struct isal_zstream stream;
    uint8_t *out;
    size_t room;
    uint8_t level[ISAL_DEF_LVL1_DEFAULT];
};

struct deflater *deflater_new(size_t room)
{
    struct deflater *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->room = room + room / STORED * STORED_HEAD + WRAPPING;
    d->out = malloc(d->room);
    if (!d->out) {
        deflater_free(d);
        return NULL;
    }
    isal_deflate_stateless_init(&d->stream);
    return d;
}

void deflater_free(struct deflater *d)
{
    if (!d)
        return;
    free(d->out);
    free(d);
}

size_t deflater_room(const struct deflater *d)
{
    return d->room;
}

int deflate_bytes(struct deflater *d, uint8_t *bytes, size_t length, struct packed *packed)
{
    struct isal_zstream *stream = &d->stream;
    isal_deflate_reset(stream);
    stream->level = 1;
    stream->level_buf = d->level;
    stream->level_buf_size = sizeof d->level;
    stream->gzip_flag = IGZIP_ZLIB;
    stream->end_of_stream = 1;
    stream->next_in = bytes;
    stream->avail_in = (uint32_t)length;
    stream->next_out = d->out;
    stream->avail_out = (uint32_t)d->room;
    if (isal_deflate_stateless(stream) != COMP_OK)
        return -1;
    packed->data = d->out;
    packed->length = stream->total_out;
    return 0;
}
