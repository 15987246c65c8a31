/* words.h - eight bytes of text at once, in one 64-bit word: the first byte is the lowest.
 *
 * That several bytes can be looked at and computed with in one register, without branches on what
 * they are, is why the evaluator is fast: what an unpredictable branch costs is worth 60 additions.
 */
#ifndef MEXE_WORDS_H
#define MEXE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(byte) ((byte)*UINT64_C(0x0101010101010101))

static inline uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t load_half(const char *p)
{
    uint32_t half;
    memcpy(&half, p, sizeof half);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half = __builtin_bswap32(half);
#endif
    return half;
}

/* The 1 to 7 bytes at P in a word. Each byte is read at least once, some of them twice. */
static inline uint64_t load_short(const char *p, size_t size)
{
    if (size < 4) {
        uint64_t first = (unsigned char)p[0], middle = (unsigned char)p[size / 2];
        return first | middle << 8 * (size / 2) |
               (uint64_t)(unsigned char)p[size - 1] << 8 * (size - 1);
    }
    return load_half(p) | load_half(p + size - 4) << 8 * (size - 4);
}

/* How many bytes are below the lowest bit of MARKS, which is not 0. */
static inline unsigned bytes_below(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) / 8;
}

/* Marks (with 0x80) the bytes of WORD that are 0. */
static inline uint64_t mark_zeros(uint64_t word)
{
    uint64_t others = ((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | word;
    return ~others & EACH_BYTE(0x80);
}

static inline uint64_t mark_digits(uint64_t word)
{
    uint64_t value = word ^ EACH_BYTE('0');
    uint64_t others = ((value & EACH_BYTE(0x7f)) + EACH_BYTE(0x76)) | value;
    return ~others & EACH_BYTE(0x80);
}

/* Marks the bytes of WORD that are no digits: right up to the lowest mark. */
static inline uint64_t mark_no_digits(uint64_t word)
{
    uint64_t value = word ^ EACH_BYTE('0');
    return ((value + EACH_BYTE(0x76)) | value) & EACH_BYTE(0x80);
}

/* Marks the bytes of WORD that are points: right up to the lowest mark. */
static inline uint64_t mark_points(uint64_t word)
{
    uint64_t value = word ^ EACH_BYTE('.');
    return (value - EACH_BYTE(1)) & ~value & EACH_BYTE(0x80);
}

/* The value of 8 digits, the first one the lowest byte; also of digits that lack their '0' (0x30).
 * Neighbours are joined: 8 of one digit to 4 of two, to 2 of four, to 1 of eight. */
static inline uint64_t join_digits(uint64_t digits)
{
    digits = (digits & EACH_BYTE(0x0f)) * (10 * 256 + 1) >> 8;
    digits = (digits & UINT64_C(0x00ff00ff00ff00ff)) * (100 * 65536 + 1) >> 16;
    return (digits & UINT64_C(0x0000ffff0000ffff)) * (10000 * (UINT64_C(1) << 32) + 1) >> 32;
}

#endif
