/* rows/out.h - the bytes of an export, collected and written to descriptor 3. */
#ifndef BRKPOINT_ROWS_OUT_H
#define BRKPOINT_ROWS_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire.h"

enum { OUT_SIZE = 1 << 20, OUT_NUMBER = 24 /* bytes that any number needs at most */ };

struct out {
    size_t used;
    uint8_t bytes[OUT_SIZE];
};
extern struct out out;

/* All are written, or the program ends in words. */
void out_flush(void);

void out_long(const void *bytes, size_t length);

/* Where `length` bytes may be put, no more than OUT_SIZE; out_end says up to where they were. */
static inline uint8_t *out_room(size_t length)
{
    if (out.used + length > OUT_SIZE)
        out_flush();
    return out.bytes + out.used;
}

static inline void out_end(const uint8_t *end)
{
    out.used = (size_t)(end - out.bytes);
}

static inline void out_bytes(const void *bytes, size_t length)
{
    if (length > OUT_SIZE) {
        out_long(bytes, length);
        return;
    }
    uint8_t *at = out_room(length);
    memcpy(at, bytes, length);
    out_end(at + length);
}

static inline uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

uint8_t *put_decimal(uint8_t *at, uint64_t value);
uint8_t *put_signed(uint8_t *at, int64_t value);
uint8_t *put_hex(uint8_t *at, uint64_t value);

/* As protobuf writes whole numbers. */
static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value > 127; value >>= 7)
        *at++ = (uint8_t)(value | 128);
    *at++ = (uint8_t)value;
    return at;
}

static inline unsigned varint_length(uint64_t value)
{
    return (70 - (unsigned)__builtin_clzll(value | 1)) / 7;
}

#endif
