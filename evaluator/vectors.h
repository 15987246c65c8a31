/* vectors.h - 16 and 32 bytes of text at once, where the machine has AVX2. */
#ifndef MEXE_VECTORS_H
#define MEXE_VECTORS_H

#include "words.h"

#include <immintrin.h>

#define FOUR(n) n, n, n, n
#define SIXTEEN(n) FOUR(n), FOUR(n), FOUR(n), FOUR(n)
#define ALL_32(n) SIXTEEN(n), SIXTEEN(n)

static const struct tables {
    _Alignas(32) char zero[32], point[32], space[32], opening[32], closing[32];
    signed char digits[2][32]; /* what is added to a byte, and then greater than a digit */
    /* How neighbours are joined: digits, pairs of them, fours. */
    char tens[16];
    short hundreds[8], myriads[8];
    /* Bytes to shuffle by: from slide + N on, where byte N of the text comes behind the last. */
    signed char slide[32];
    /* From step + N on: one byte less far for all but the last N, which stand behind the point. */
    signed char step[48];
    double ten[32]; /* by the places behind the point, of which there are -1 without a point */
    char nine[16];
} number_tables = {
    .zero = {ALL_32('0')},
    .point = {ALL_32('.')},
    .space = {ALL_32(' ')},
    .opening = {ALL_32('(')},
    .closing = {ALL_32(')')},
    .digits = {{ALL_32(0x80 - '0')}, {ALL_32(-118)}},
    .tens = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1},
    .hundreds = {100, 1, 100, 1, 100, 1, 100, 1},
    .myriads = {10000, 1, 10000, 1, 10000, 1, 10000, 1},
    .slide = {-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
              0,   1,   2,   3,   4,   5,   6,   7,  8,  9,  10, 11, 12, 13, 14, 15},
    .step = {SIXTEEN(-1)},
    .ten = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
            1e14, [31] = 1},
    .nine = {SIXTEEN(9)},
};

/* The compiler shall not know what is in them: it would make each constant anew, each time. */
static inline const struct tables *hidden_tables(void)
{
    const struct tables *hidden = &number_tables;
    __asm__("" : "+r"(hidden));
    return hidden;
}

static inline __m128i load_16(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

/* 1 to 15 bytes, then zeros. */
static inline __m128i load_less(const char *p, size_t size)
{
    if (size < 8)
        return _mm_cvtsi64_si128((long long)load_short(p, size));
    uint64_t high = load_word(p + size - 8) >> 8 >> (120 - 8 * size);
    return _mm_set_epi64x((long long)high, (long long)load_word(p));
}

static inline __m256i load_32(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

#endif
