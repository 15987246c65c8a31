/* rows/out.c - see out.h. */
#include "out.h"

#include <errno.h>
#include <unistd.h>

enum { TO = 3 };

struct out out;

static void write_all(const uint8_t *at, size_t length)
{
    while (length) {
        ssize_t put = write(TO, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            wire_failed(errno);
        at += put;
        length -= (size_t)put;
    }
}

void out_flush(void)
{
    write_all(out.bytes, out.used);
    out.used = 0;
}

void out_long(const void *bytes, size_t length)
{
    out_flush();
    write_all(bytes, length);
}

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

uint8_t *put_decimal(uint8_t *at, uint64_t value)
{
    uint8_t digits[OUT_NUMBER], *first = digits + sizeof digits;
    for (; value > 99; value /= 100)
        first = memcpy(first - 2, PAIRS + 2 * (value % 100), 2);
    if (value > 9)
        first = memcpy(first - 2, PAIRS + 2 * value, 2);
    else
        *--first = (uint8_t)('0' + value);
    return put_bytes(at, first, (size_t)(digits + sizeof digits - first));
}

uint8_t *put_signed(uint8_t *at, int64_t value)
{
    if (value < 0)
        *at++ = '-';
    return put_decimal(at, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

uint8_t *put_hex(uint8_t *at, uint64_t value)
{
    unsigned digits = (67 - (unsigned)__builtin_clzll(value | 1)) / 4;
    for (unsigned left = digits; left--; value >>= 4)
        at[left] = (uint8_t) "0123456789abcdef"[value & 15];
    return at + digits;
}
