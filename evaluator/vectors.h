/* vectors.h - 16 and 32 bytes of text at once, where the machine has AVX2. */
#ifndef MEXE_VECTORS_H
#define MEXE_VECTORS_H

#include "words.h"

#include <immintrin.h>

#define FOUR(n) n, n, n, n
#define SIXTEEN(n) FOUR(n), FOUR(n), FOUR(n), FOUR(n)

static const struct tables {
    _Alignas(32) char zero[32], point[32];
    signed char digits[2][32]; /* what is added to a byte, and then greater than a digit */
    char space[32], nine[16];
    /* Bytes to shuffle by: from slide + N on, where byte N of the text comes behind the last. */
    signed char slide[40];
    /* From step + N on: one byte less far for all but the last N, which stand behind the point. */
    signed char step[32];
    double ten[16];
} number_tables = {
    .zero = {SIXTEEN('0'), SIXTEEN('0')},
    .digits = {{SIXTEEN(0x80 - '0'), SIXTEEN(0x80 - '0')}, {SIXTEEN(-118), SIXTEEN(-118)}},
    .space = {SIXTEEN(' '), SIXTEEN(' ')},
    .nine = {SIXTEEN(9)},
    .point = {SIXTEEN('.'), SIXTEEN('.')},
    .slide = {-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0,
              1,   2,   3,   4,   5,   6,   7,   8,  9,  10, 11, 12, 13, 14, 15, 16},
    .step = {SIXTEEN(-1)},
    .ten = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15},
};

/* The compiler shall not know what is in them: it would make each constant anew, each time. */
static inline const struct tables *hidden_tables(void)
{
    const struct tables *hidden = &number_tables;
    __asm__("" : "+r"(hidden));
    return hidden;
}

static inline __m128i unaligned(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline __m128i load_16(const struct source *source, const char *p)
{
    ptrdiff_t left = source->end - p;
    if (left >= 16)
        return unaligned(p);
    uint64_t high = left > 8 ? look(source, p + 8) : 0;
    return _mm_set_epi64x((long long)high, (long long)look(source, p));
}

static inline __m256i load_32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

#endif
