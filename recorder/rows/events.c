/* rows/events.c - see events.h. The rules are those of alloctrace/columns/columns.py, and of what
 * alloctrace/trace/read.py believes of a stranger's columns.
 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const uint16_t bits[COLUMNS] = COLUMN_BITS;
static const char *const names[COLUMNS] = ROWS_COLUMNS;

struct events *events_new(uint32_t wanted)
{
    struct events *events = must_have(1, sizeof *events);
    uint64_t *zeros = must_have(ROWS_CHUNK, sizeof *zeros);
    for (int c = 0; c < COLUMNS; c++)
        events->column[c] = wanted >> c & 1 ? must_have(ROWS_CHUNK, sizeof *zeros) : zeros;
    events->held = wanted;
    return events;
}

static const uint8_t *inflated(struct text data, uint32_t size)
{
    static uint8_t raw[8 * ROWS_CHUNK + 1];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data.bytes,
                       .avail_in = (uInt)data.length,
                       .next_out = raw,
                       .avail_out = size + 1};
    if (inflateInit(&stream) != Z_OK)
        wire_failed(ENOMEM);
    int ended = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (ended != Z_STREAM_END || stream.total_out != size || stream.avail_in)
        wire_damaged("damaged: a chunk of another length than its count");
    return raw;
}

/* Lowest bytes first, then all second ones …, with a sign. */
static inline __attribute__((always_inline)) void put_together(uint64_t *into, const uint8_t *raw,
                                                               uint32_t width, uint32_t period)
{
    uint32_t unused = 64 - 8 * width;
    for (uint32_t row = 0; row < period; row++) {
        uint64_t value = 0;
        for (uint32_t plane = 0; plane < width; plane++)
            value |= (uint64_t)raw[plane * period + row] << 8 * plane;
        into[row] = (uint64_t)((int64_t)(value << unused) >> unused);
    }
}

static void differences(uint64_t *into, struct text data, uint64_t width, uint32_t period)
{
    const uint8_t *raw = inflated(data, (uint32_t)width * period);
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

static void unpack(uint64_t *into, uint32_t count, struct cursor *from)
{
    uint64_t width = take_number(from), is_delta = take_number(from);
    uint64_t base = take_number(from), period = take_number(from);
    struct text data = take_text(from);
    if (!width) {
        for (uint32_t row = 0; row < count; row++)
            into[row] = base;
        return;
    }
    if (width != 1 && width != 2 && width != 4 && width != 8)
        wire_damaged("damaged: integers of %llu bytes", (unsigned long long)width);
    if (period != count && (period < 1 || period > ROWS_PERIOD || period >= count))
        wire_damaged("damaged: a column that repeats after %lld rows", (long long)period);
    if (data.length > ROWS_LONGEST)
        wire_failed(EPROTO);
    differences(into, data, width, (uint32_t)period);
    for (uint32_t row = (uint32_t)period; row < count; row++)
        into[row] = into[row - period];
    uint64_t sum = base;
    for (uint32_t row = 0; row < count; row++)
        into[row] = is_delta ? (sum += into[row]) : into[row] + base;
}

/* What became known when the chunk was written already. */
static void mend(struct events *events, struct cursor *from)
{
    for (uint64_t left = take_number(from); left; left--) {
        uint64_t row = take_number(from), column = take_number(from), value = take_number(from);
        if (row >= events->count || column >= COLUMNS)
            wire_failed(EPROTO);
        events->column[PRESENT][row] |= column == PRESENT ? value : bits[column];
        if (column != PRESENT && events->held >> column & 1)
            events->column[column][row] = value;
    }
}

static void check_least(const struct events *events, enum column column, int64_t least)
{
    uint64_t bit = bits[column];
    for (uint32_t row = 0; row < events->count; row++)
        if ((int64_t)events->column[column][row] < least &&
            (!bit || events->column[PRESENT][row] & bit))
            wire_damaged("damaged: %s of an event behind %llu", names[column],
                         (unsigned long long)events->first);
}

/* `cause` and `outer` are so many events back. */
static void check_earlier(const struct events *events, enum column column)
{
    for (uint32_t row = 0; events->held >> column & 1 && row < events->count; row++)
        if (events->column[PRESENT][row] & bits[column] &&
            events->column[column][row] - 1 >= events->first + row)
            wire_damaged("damaged: event %llu points outside",
                         (unsigned long long)(events->first + row));
}

static void check(const struct events *events, uint64_t groups)
{
    static const struct {
        enum column column;
        int64_t least;
    } least[] = ROWS_LEAST;
    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        if (events->held >> least[i].column & 1)
            check_least(events, least[i].column, least[i].least);
    for (uint32_t row = 0; row < events->count; row++)
        if (events->column[GROUP][row] - 1 >= groups)
            wire_damaged("damaged: an event behind %llu is of no group",
                         (unsigned long long)events->first);
    check_earlier(events, CAUSE);
    check_earlier(events, OUTER);
}

void events_read(struct events *events, struct cursor *from, uint64_t groups)
{
    events->first = take_number(from);
    uint64_t count = take_number(from);
    if (!count || count > ROWS_CHUNK)
        wire_damaged("damaged: a chunk of %llu values", (unsigned long long)count);
    events->count = (uint32_t)count;
    uint32_t told = 0;
    for (uint64_t left = take_number(from); left; left--) {
        uint64_t column = take_number(from);
        if (column >= COLUMNS || !(events->held >> column & 1))
            wire_failed(EPROTO);
        unpack(events->column[column], events->count, from);
        told |= 1u << column;
    }
    if (told != events->held)
        wire_failed(EPROTO);
    mend(events, from);
    check(events, groups);
}
