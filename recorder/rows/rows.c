/* rows/rows.c - a line an event, as CSV or NDJSON: exports/rows.py. How the format writes what there is
 * Python says: what stands in front of each value, and the text that all events of a group share.
 */
#include "modes.h"
#include "out.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TOGETHER = 1 << 10,   /* rows: whose texts are asked for at once */
    MOST_TEXTS = 1 << 16, /* that are kept */
    MOST_KEPT = 64 << 20, /* bytes of them */
    OWN = 13,             /* columns that differ from event to event */
    MOST_KEY = 64,        /* bytes in front of a value */
    ROW = OWN * (MOST_KEY + 2 * MOST_KEY + OUT_NUMBER),
};

/* How a value is written. */
enum kind { SEQ, PLAIN, SIZED, UNSIGNED, SIGNED, ADDRESS, EARLIER };
static const struct {
    enum kind kind;
    enum column column;
} own[OWN] = {
    {SEQ, PRESENT},    {PLAIN, T_NS},     {SIGNED, DUR_NS}, {PLAIN, TID},      {SIZED, SIZE},
    {UNSIGNED, NMEMB}, {UNSIGNED, ALIGN}, {ADDRESS, PTR},   {ADDRESS, RESULT}, {SIGNED, ERRNO},
    {SIGNED, BLOCK},   {EARLIER, CAUSE},  {EARLIER, OUTER},
};
static const uint16_t bits[COLUMNS] = COLUMN_BITS;

static struct text keys[OWN], none, before_address, behind_address;

/* Texts of groups, one behind the other. */
static struct {
    uint32_t *of_group; /* number of its text; 0: not known */
    struct text texts[MOST_TEXTS + 1];
    uint32_t count;
    uint8_t *bytes;
    uint64_t used, size;
} known;

static struct text short_text(struct cursor *told)
{
    struct text text = take_kept(told);
    if (text.length > MOST_KEY)
        wire_failed(EPROTO);
    return text;
}

static void begin(struct cursor *told)
{
    none = short_text(told);
    before_address = short_text(told);
    behind_address = short_text(told);
    for (int column = 0; column < OWN; column++)
        keys[column] = short_text(told);
    known.of_group = must_have(groups + 1, sizeof *known.of_group);
}

static void forget(void)
{
    memset(known.of_group, 0, (groups + 1) * sizeof *known.of_group);
    known.count = 0;
    known.used = 0;
}

static void keep(uint64_t group, struct text text)
{
    if (known.size - known.used < text.length) {
        known.size = 2 * known.size + text.length + (1 << 16);
        known.bytes = realloc(known.bytes, known.size);
        if (!known.bytes)
            wire_failed(ENOMEM);
    }
    memcpy(known.bytes + known.used, text.bytes, text.length);
    /* By its distance: the bytes may move. */
    known.texts[++known.count] = (struct text){(const uint8_t *)known.used, text.length};
    known.used += text.length;
    known.of_group[group] = known.count;
}

/* The texts of all groups that some rows are of. */
static void learn(const uint64_t *of, uint32_t count)
{
    static uint64_t asked[TOGETHER];
    uint32_t number = 0;
    if (known.count + count > MOST_TEXTS || known.used > MOST_KEPT)
        forget();
    for (uint32_t row = 0; row < count; row++)
        if (!known.of_group[of[row]]) {
            known.of_group[of[row]] = UINT32_MAX; /* asked for */
            asked[number++] = of[row];
        }
    if (!number)
        return;
    wire_say(ROWS_ASK, asked, number * sizeof *asked);
    struct cursor answer = wire_take(ROWS_ANSWER);
    for (uint32_t i = 0; i < number; i++)
        keep(asked[i], take_text(&answer));
}

static uint8_t *put_text(uint8_t *at, struct text text)
{
    return put_bytes(at, text.bytes, text.length);
}

static uint8_t *put_value(uint8_t *at, enum kind kind, uint64_t value, uint64_t seq, uint64_t has)
{
    switch (kind) {
    case SEQ:
        return put_decimal(at, seq);
    case EARLIER:
        return put_decimal(at, seq - value);
    case SIZED:
        return has & SIGNED_SIZE ? put_signed(at, (int64_t)value) : put_decimal(at, value);
    case SIGNED:
        return put_signed(at, (int64_t)value);
    case ADDRESS:
        at = put_hex(put_text(at, before_address), value);
        return put_text(at, behind_address);
    default:
        return put_decimal(at, value);
    }
}

static void row(const struct events *events, uint32_t number)
{
    uint64_t has = events->column[PRESENT][number], seq = events->first + number;
    uint8_t *at = out_room(ROW);
    for (int i = 0; i < OWN; i++) {
        enum column column = own[i].column;
        at = put_text(at, keys[i]);
        if (own[i].kind != SEQ && bits[column] && !(has & bits[column]))
            at = put_text(at, none);
        else
            at = put_value(at, own[i].kind, events->column[column][number], seq, has);
    }
    out_end(at);
    struct text text = known.texts[known.of_group[events->column[GROUP][number]]];
    out_bytes(known.bytes + (uintptr_t)text.bytes, text.length);
}

static void chunk(const struct events *now, const struct events *before)
{
    (void)before;
    for (uint32_t first = 0; first < now->count; first += TOGETHER) {
        uint32_t end = first + TOGETHER < now->count ? first + TOGETHER : now->count;
        learn(now->column[GROUP] + first, end - first);
        for (uint32_t number = first; number < end; number++)
            row(now, number);
    }
}

static void finish(void)
{
}

const struct mode mode_rows = {
    .name = "rows",
    .columns = (1u << COLUMNS) - 1 - (1u << ARGS),
    .begin = begin,
    .chunk = chunk,
    .finish = finish,
};
