/* history/events.c - the present chunk of events, and what becomes known too late for it. */
#include "inside.h"

#include <string.h>

enum { RARE = 1u << NMEMB | 1u << ALIGN | 1u << ERRNO | 1u << ARGS | 1u << CAUSE | 1u << OUTER };

/* Rows before this one may hold what was never written: zeros make it the same every time. */
static void use_rare(struct chunk *chunk, uint32_t columns)
{
    for (enum column column = NMEMB; column < COLUMNS; column++)
        if ((columns & ~chunk->used) >> column & 1)
            memset(chunk->column[column], 0, chunk->count * sizeof **chunk->column);
    chunk->used |= columns;
}

void clear_rare(struct chunk *chunk, uint32_t row)
{
    for (enum column column = NMEMB; column < COLUMNS; column++)
        if ((chunk->used & RARE) >> column & 1)
            chunk->column[column][row] = 0;
}

/* A new row; its number. What is NULL has the value of the row before. */
uint64_t new_event(struct history *h, uint64_t t_ns, uint32_t tid, uint32_t group,
                   const struct shape *shape)
{
    struct chunk *chunk = &h->chunk;
    if (chunk->count == HISTORY_CHUNK)
        write_events(h);
    live_tick(h, t_ns);
    uint32_t row = chunk->count++, before = row ? row - 1 : chunk->last;
    uint64_t **column = chunk->column;
    column[PRESENT][row] = shape->present;
    column[T_NS][row] = t_ns;
    column[TID][row] = tid;
    column[GROUP][row] = group;
    column[DUR_NS][row] = column[DUR_NS][before];
    column[SIZE][row] = shape->present & HAS_SIZE ? shape->size : column[SIZE][before];
    column[PTR][row] = shape->present & HAS_PTR ? shape->ptr : column[PTR][before];
    column[RESULT][row] = column[RESULT][before];
    column[BLOCK][row] = column[BLOCK][before];
    if (chunk->used & RARE)
        clear_rare(chunk, row);
    if (shape->present & (HAS_NMEMB | HAS_ALIGN)) {
        use_rare(chunk, 1u << NMEMB | 1u << ALIGN);
        column[NMEMB][row] = shape->nmemb;
        column[ALIGN][row] = shape->align;
    }
    return h->events++;
}

/* Whether readers get this event: of totals only the first ones, to see what groups are about. */
static int keeps_event(const struct history *h, uint64_t seq)
{
    return !h->keeps_totals || seq < HISTORY_CHUNK;
}

/* Too late: the chunk of that event is with the reader. Row: event, column, value. */
static void put_late(struct history *h, uint64_t seq, enum column column, uint64_t value)
{
    const struct spool_late row = {seq, column, value};
    if (keeps_event(h, seq))
        put_record(h, SPOOL_LATE, &row, sizeof row);
}

/* As set_field, for what is rare. */
void set_rare_field(struct history *h, uint64_t seq, enum column column, uint64_t value)
{
    struct chunk *chunk = &h->chunk;
    if (seq < chunk->first) {
        put_late(h, seq, column, value);
        return;
    }
    uint32_t row = (uint32_t)(seq - chunk->first);
    if (RARE >> column & 1)
        use_rare(chunk, 1u << column);
    chunk->column[column][row] = value;
    chunk->column[PRESENT][row] |= column_bit(column);
}

/* The size is negative: the break shrank. */
void set_signed(struct history *h, uint64_t seq)
{
    if (seq < h->chunk.first)
        put_late(h, seq, PRESENT, SIGNED_SIZE);
    else
        h->chunk.column[PRESENT][seq - h->chunk.first] |= SIGNED_SIZE;
}

/* The field of an event of the present chunk; 0: it is NULL, or not known any more. */
int event_field(struct history *h, uint64_t seq, enum column column, uint64_t *value)
{
    const struct chunk *chunk = &h->chunk;
    if (seq < chunk->first || seq >= h->events)
        return 0;
    uint32_t row = (uint32_t)(seq - chunk->first);
    *value = chunk->column[column][row];
    return (chunk->column[PRESENT][row] & column_bit(column)) != 0;
}

/* ---- handing out ---- */

void history_keep_totals(struct history *h)
{
    h->keeps_totals = 1;
}

/* A reader believes the latest sums that it was told, so that what is known survives the end of the
 * writer, as events do that are written as they come. */
void tell_sums(struct history *h)
{
    h->told = h->events;
    write_nodes(h);
    write_groups(h);
    write_sums(h, 1);
    put_ends(h, 0);
}

static void put_column(struct history *h, enum column column, uint8_t *record)
{
    struct packed packed;
    if (chunk_pack(&h->chunk, column, &packed)) {
        h->failed = 1;
        return;
    }
    struct spool_column head = {.first = h->chunk.first,
                                .count = h->chunk.count,
                                .column = (uint8_t)column,
                                .width = packed.width,
                                .delta = packed.is_delta,
                                .base = (int64_t)packed.base,
                                .period = packed.period};
    memcpy(record, &head, sizeof head);
    memcpy(record + sizeof head, packed.data, packed.length);
    put_record(h, SPOOL_COLUMN, record, sizeof head + packed.length);
}

/* Hand out the present chunk and begin the next one. Columns of zeros are left out; `present` is
 * written last: with it the chunk is whole. */
void write_events(struct history *h)
{
    static const uint32_t usual = 1u << T_NS | 1u << TID | 1u << GROUP | 1u << DUR_NS | 1u << SIZE |
                                  1u << PTR | 1u << RESULT | 1u << BLOCK;
    struct chunk *chunk = &h->chunk;
    if (!chunk->count)
        return;
    write_nodes(h);
    write_groups(h);
    if (keeps_event(h, chunk->first)) {
        for (enum column column = T_NS; column < COLUMNS; column++)
            if ((chunk->used | usual) >> column & 1)
                put_column(h, column, chunk->record);
        put_column(h, PRESENT, chunk->record);
    }
    if (h->keeps_totals && h->events >= h->told + h->told / 8 + HISTORY_CHUNK)
        tell_sums(h);
    chunk->first += chunk->count;
    chunk->last = chunk->count - 1;
    chunk->count = chunk->used = 0;
}
