/* rows/wire.c - see wire.h. */
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FROM = 0, TO = 1, LONGEST_LINE = 200 };

struct head {
    uint64_t kind, length;
};

static uint8_t *room;
static uint64_t room_size;

static void read_all(void *into, uint64_t length)
{
    uint8_t *at = into;
    while (length) {
        ssize_t got = read(FROM, at, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(1); /* nobody is there to hear why */
        at += got;
        length -= (uint64_t)got;
    }
}

static void write_all(const void *from, size_t length)
{
    const uint8_t *at = from;
    while (length) {
        ssize_t put = write(TO, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(1);
        at += put;
        length -= (size_t)put;
    }
}

enum rows_message wire_next(struct cursor *payload)
{
    struct head head;
    read_all(&head, sizeof head);
    if (head.length > ROWS_LONGEST)
        wire_failed(EPROTO);
    if (head.length > room_size) {
        free(room);
        room_size = head.length;
        room = must_have(room_size, 1);
    }
    read_all(room, head.length);
    *payload = (struct cursor){.at = room, .end = room + head.length};
    return (enum rows_message)head.kind;
}

struct cursor wire_take(enum rows_message kind)
{
    struct cursor payload;
    if (wire_next(&payload) != kind)
        wire_failed(EPROTO);
    return payload;
}

void wire_say(enum rows_message kind, const void *payload, size_t length)
{
    struct head head = {.kind = kind, .length = length};
    write_all(&head, sizeof head);
    write_all(payload, length);
}

void wire_damaged(const char *format, ...)
{
    char line[LONGEST_LINE];
    va_list more;
    va_start(more, format);
    vsnprintf(line, sizeof line, format, more);
    va_end(more);
    wire_say(ROWS_DAMAGED, line, strlen(line));
    exit(1);
}

void wire_failed(int error)
{
    uint64_t number = (uint64_t)error;
    wire_say(ROWS_FAILED, &number, sizeof number);
    exit(1);
}

const uint8_t *take_bytes(struct cursor *from, uint64_t length)
{
    const uint8_t *at = from->at;
    if (length > (uint64_t)(from->end - at))
        wire_failed(EPROTO);
    from->at += length;
    return at;
}

uint64_t take_number(struct cursor *from)
{
    uint64_t number;
    memcpy(&number, take_bytes(from, sizeof number), sizeof number);
    return number;
}

uint32_t *take_u32s(struct cursor *from, uint64_t count)
{
    if (count > ROWS_LONGEST)
        wire_failed(EPROTO);
    const uint8_t *bytes = take_bytes(from, count * sizeof(uint32_t));
    uint32_t *kept = must_have(count, sizeof *kept);
    memcpy(kept, bytes, count * sizeof *kept);
    return kept;
}

struct text take_text(struct cursor *from)
{
    struct text text = {.length = take_number(from)};
    text.bytes = take_bytes(from, text.length);
    return text;
}

struct text take_kept(struct cursor *from)
{
    struct text text = take_text(from);
    uint8_t *copy = must_have(text.length, 1);
    memcpy(copy, text.bytes, text.length);
    text.bytes = copy;
    return text;
}

void *must_have(uint64_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        wire_failed(ENOMEM);
    return memory;
}
