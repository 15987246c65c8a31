#include "spool.h"

#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put(struct spool *spool, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    while (size > 0) {
        if (spool->used == sizeof spool->buffer)
            spool_flush(spool);
        size_t room = sizeof spool->buffer - spool->used, part = size < room ? size : room;
        memcpy(spool->buffer + spool->used, from, part);
        spool->used += part;
        from += part;
        size -= part;
    }
}

static void put_head(struct spool *spool, size_t length, unsigned kind)
{
    struct spool_record head = {.length = (uint32_t)length, .kind = (uint8_t)kind};
    put(spool, &head, sizeof head);
}

int spool_create(struct spool *spool, const char *path)
{
    spool->used = 0;
    spool->written = 0;
    spool->error = 0;
    spool->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (spool->fd < 0)
        return -1;
    struct spool_file head = {.version = SPOOL_VERSION};
    memcpy(head.magic, SPOOL_MAGIC, sizeof head.magic);
    put(spool, &head, sizeof head);
    spool_flush(spool);
    return 0;
}

void spool_flush(struct spool *spool)
{
    size_t at = 0;
    while (at < spool->used && spool->error == 0) {
        ssize_t done = write(spool->fd, spool->buffer + at, spool->used - at);
        if (done < 0 && errno != EINTR)
            spool->error = errno;
        if (done > 0)
            at += (size_t)done;
    }
    spool->written += at;
    spool->used = 0;
}

void spool_close(struct spool *spool)
{
    spool_flush(spool);
    close(spool->fd);
}

void spool_record(struct spool *spool, unsigned kind, const void *payload, size_t length)
{
    put_head(spool, length, kind);
    put(spool, payload, length);
}

/* ---- JSON in ASCII ---- */

static void add(struct json *json, const char *text)
{
    size_t length = strlen(text);
    if (json->used + length + 2 > sizeof json->text)
        json->full = true;
    if (json->full)
        return;
    memcpy(json->text + json->used, text, length);
    json->used += length;
}

static void add_unit(struct json *json, uint32_t unit)
{
    char text[8];
    snprintf(text, sizeof text,
             unit >= 32 && unit < 127 && unit != '"' && unit != '\\' ? "%c" : "\\u%04x", unit);
    add(json, text);
}

/* The length of the well-formed UTF-8 sequence at `s` (RFC 3629), 0 where there is none. */
static int sequence(const unsigned char *s, uint32_t *point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int length = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (length == 0 || s[0] > 0xf4)
        return 0;
    *point = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (s[i] & 0x3f);
    }
    bool bad = *point < least[length] || *point > 0x10ffff || (*point >> 11) == 0x1b;
    return bad ? 0 : length;
}

static void add_escaped(struct json *json, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        uint32_t point;
        int length = sequence(s, &point);
        if (length == 0) {
            add_unit(json, 0xdc00u + *s++);
            continue;
        }
        if (point >= 0x10000) {
            add_unit(json, 0xd800 + ((point - 0x10000) >> 10));
            add_unit(json, 0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            add_unit(json, point);
        }
        s += length;
    }
}

void json_begin(struct json *json, const char *type)
{
    json->used = 0;
    json->full = false;
    add(json, "{\"type\":\"");
    add(json, type);
    add(json, "\"");
}

static void add_key(struct json *json, const char *key)
{
    add(json, ",\"");
    add(json, key);
    add(json, "\":");
}

void json_text(struct json *json, const char *key, const char *value)
{
    add_key(json, key);
    add(json, "\"");
    add_escaped(json, value);
    add(json, "\"");
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    add_key(json, key);
    add(json, text);
}

void json_texts(struct json *json, const char *key, const char *bytes, size_t length)
{
    add_key(json, key);
    add(json, "[");
    for (size_t at = 0; at < length; at += strlen(bytes + at) + 1) {
        add(json, at == 0 ? "\"" : ",\"");
        add_escaped(json, bytes + at);
        add(json, "\"");
    }
    add(json, "]");
}

void json_null(struct json *json, const char *key)
{
    add_key(json, key);
    add(json, "null");
}

void spool_json(struct spool *spool, struct json *json)
{
    add(json, "}");
    if (json->full)
        return;
    spool_record(spool, SPOOL_JSON, json->text, json->used);
}
