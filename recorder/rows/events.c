/* rows/events.c - see events.h. What is believed of a stranger's columns is what
 * alloctrace/trace/read.py believes.
 */
#include "events.h"

#include <errno.h>

#include "column.h"

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

static void unpack(uint64_t *into, uint32_t count, struct cursor *from)
{
    static uint8_t room[COLUMN_ROOM];
    struct packed_column column = {.width = take_number(from), .is_delta = take_number(from)};
    column.base = take_number(from), column.period = take_number(from);
    struct text data = take_text(from);
    column.data = data.bytes, column.length = data.length;
    if (data.length > ROWS_LONGEST)
        wire_failed(EPROTO);
    switch (column_unpack(&column, count, room, into)) {
    case COLUMN_WHOLE:
        return;
    case COLUMN_WIDTH:
        wire_damaged("damaged: integers of %llu bytes", (unsigned long long)column.width);
    case COLUMN_PERIOD:
        wire_damaged("damaged: a column that repeats after %lld rows", (long long)column.period);
    case COLUMN_LENGTH:
        wire_damaged("damaged: a chunk of another length than its count");
    case COLUMN_MEMORY:
        wire_failed(ENOMEM);
    }
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
