/* reading.h - numbers and texts out of bytes that may be damaged: beyond the end everything is zero, and
 * `bad` stays set. */
#ifndef RECORDER_READING_H
#define RECORDER_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reading {
    const uint8_t *at, *end;
    bool bad;
};

static inline void reading_fails(struct reading *from)
{
    from->bad = true;
    from->at = from->end;
}

static inline void skip(struct reading *from, uint64_t size)
{
    if (size > (uint64_t)(from->end - from->at))
        reading_fails(from);
    else
        from->at += size;
}

/* `size`: 1 to 8 bytes. */
static inline uint64_t number(struct reading *from, unsigned size)
{
    uint64_t value = 0;
    if (size > (uint64_t)(from->end - from->at)) {
        reading_fails(from);
        return 0;
    }
    memcpy(&value, from->at, size);
    from->at += size;
    return value;
}

static inline uint64_t uleb(struct reading *from)
{
    uint64_t value = 0;
    for (unsigned shift = 0; from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        if (shift > 63 || (shift == 63 && byte > 1))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reading_fails(from);
    return 0;
}

static inline int64_t sleb(struct reading *from)
{
    uint64_t value = 0;
    for (unsigned shift = 0; from->at < from->end; shift += 7) {
        uint8_t byte = *from->at++;
        if (shift > 63 || (shift == 63 && byte != 0 && byte != 0x7f))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            bool extends = byte & 0x40 && shift < 57;
            return (int64_t)(extends ? value | ~(uint64_t)0 << (shift + 7) : value);
        }
    }
    reading_fails(from);
    return 0;
}

/* The text there with its zero byte; NULL: it has none. */
static inline const char *text(struct reading *from)
{
    const char *found = (const char *)from->at;
    const uint8_t *zero = memchr(from->at, 0, (size_t)(from->end - from->at));
    if (zero == NULL) {
        reading_fails(from);
        return NULL;
    }
    from->at = zero + 1;
    return found;
}

#endif
