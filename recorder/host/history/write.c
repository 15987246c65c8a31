/* history/write.c - records of a spool, for the caller to keep. */
#include "inside.h"

#include <stdarg.h>
#include <stdio.h>

void put_record(struct history *h, enum spool_kind kind, const void *payload, size_t length)
{
    if (h->failed)
        return;
    if (length > SPOOL_MAX_PAYLOAD || h->sink(h->owner, kind, payload, length))
        h->failed = 1;
}

/* Many rows of one size, in as many records as they need. */
void put_rows(struct history *h, enum spool_kind kind, const void *rows, size_t size, size_t count)
{
    const char *from = rows;
    size_t most = SPOOL_MAX_PAYLOAD / size;
    for (; count; count -= most, from += most * size) {
        most = count < most ? count : most;
        put_record(h, kind, from, most * size);
    }
}

struct text {
    char bytes[1 << 17];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof text->bytes - text->length;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < room)
        text->length += (size_t)length;
}

static unsigned long long plain(wide value)
{
    return value < 0 ? 0 : value > INT64_MAX ? INT64_MAX : (unsigned long long)value;
}

static const char *const unmatched_names[UNMATCHED] = UNMATCHED_WORDS;

static void put_unmatched(struct history *h, struct text *text)
{
    for (int what = 0; what < UNMATCHED; what++) {
        if (!h->unmatched[what])
            continue;
        text->length = 0;
        add(text, "{\"type\":\"unmatched\",\"what\":\"%s\",\"count\":%llu}", unmatched_names[what],
            (unsigned long long)h->unmatched[what]);
        put_record(h, SPOOL_JSON, text->bytes, text->length);
    }
}

static void add_peak(struct history *h, struct text *text)
{
    add(text, "\"peak\":{\"bytes\":%llu", plain(h->peak.bytes));
    if (h->peak.number)
        add(text, ",\"seq\":%llu,\"t_ns\":%llu,\"phase\":%u", (unsigned long long)h->peak.seq,
            (unsigned long long)h->peak.t_ns, h->peak.phase);
    add(text, "}");
}

/* The whole of the run: what is in no row. */
void put_ends(struct history *h, int is_last)
{
    static struct text text;
    if (is_last)
        put_unmatched(h, &text);
    text.length = 0;
    add(&text, "{\"type\":\"sums\",\"events\":%llu,\"last\":%s,", (unsigned long long)h->events,
        is_last ? "true" : "false");
    add_peak(h, &text);
    add(&text, ",\"unknown_ends\":%llu", (unsigned long long)h->unknown_ends);
    add(&text, ",\"timeline\":[");
    for (unsigned index = 0; index < h->timeline.count; index++) {
        const struct point *point = &h->timeline.points[index];
        add(&text, "%s[%llu,%llu,%llu,%llu]", index ? "," : "", (unsigned long long)point->seq,
            (unsigned long long)point->t_ns, plain(point->live), plain(point->highest));
    }
    add(&text, "]}");
    put_record(h, SPOOL_JSON, text.bytes, text.length);
}
