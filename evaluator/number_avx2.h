/* number_avx2.h - reads a number of up to 15 bytes at once, without a branch on what it looks like.
 *
 * After W. Mula's "SIMD-ized faster parse of integers": one shuffle moves the digits to the right
 * end of the register, and closes the gap of the point; neighbours are then joined four times.
 */
#ifndef MEXE_NUMBER_AVX2_H
#define MEXE_NUMBER_AVX2_H

#include "pieces.h"
#include "vectors.h"

/* The value of 16 digits, the first one the lowest byte. */
static inline uint64_t join_16(__m128i digits)
{
    const __m128i units = _mm_set1_epi16(10 + 1 * 256), hundreds = _mm_set1_epi32(100 + (1 << 16)),
                  myriads = _mm_set1_epi32(10000 + (1 << 16));
    __m128i joined = _mm_madd_epi16(_mm_maddubs_epi16(digits, units), hundreds);
    joined = _mm_madd_epi16(_mm_packus_epi32(joined, joined), myriads);
    uint64_t halves = (uint64_t)_mm_cvtsi128_si64(joined);
    return (halves & UINT32_MAX) * 100000000 + (halves >> 32);
}

/* Reads the number at P, which points at a digit; false when it is too long or not a number. */
static inline bool read_short(const struct source *source, const char *p, const struct tables *t,
                              double *value)
{
    __m128i bytes = load_16(source, p), digits = _mm_sub_epi8(bytes, unaligned(t->zero));
    __m128i are = _mm_cmpeq_epi8(_mm_min_epu8(digits, unaligned(t->nine)), digits);
    __m128i is_point = _mm_cmpeq_epi8(bytes, unaligned(t->point));
    /* Bits from 16 on stand for what is behind these bytes: it is no digit, and not right. */
    uint32_t others = ~(uint32_t)_mm_movemask_epi8(are);
    uint32_t points = (uint32_t)_mm_movemask_epi8(is_point) | 3 << 16;
    uint32_t first = others & -others, other = others ^ first;
    unsigned whole = (unsigned)__builtin_ctz(others);
    /* Where the digits behind the point end; without a point, as if it stood behind the number. */
    unsigned end = (unsigned)__builtin_ctz(other | (first & ~points) << 1);
    if (points >> (end - 1) & 3)
        return false;
    unsigned fraction = end - 1 - whole;
    __m128i order = _mm_add_epi8(unaligned(t->slide + end), unaligned(t->step + fraction));
    *value = (double)(int64_t)join_16(_mm_shuffle_epi8(digits, order)) / t->ten[fraction];
    return true;
}

/* Reads a number of 16 to 23 bytes, of which there are 24; as its twin. */
static inline const char *read_long(const char *p, double *value)
{
    const struct tables *t = hidden_tables();
    __m128i bytes = unaligned(p), digits = _mm_sub_epi8(bytes, unaligned(t->zero));
    __m128i are = _mm_cmpeq_epi8(_mm_min_epu8(digits, unaligned(t->nine)), digits);
    uint32_t points = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, unaligned(t->point)));
    uint32_t others = (uint32_t)_mm_movemask_epi8(are) ^ 0xffff;
    struct piece rest = find_piece(load_word(p + 16));
    unsigned early = points != 0, late = rest.point != 0;
    if (others != points || (points & (points - 1)) || !rest.stop || (early & late))
        return NULL;
    unsigned whole = (unsigned)__builtin_ctz(points | 1 << 16), size = bytes_below(rest.stop);
    unsigned places = size - late,
             point = whole + late * bytes_below(rest.point | (uint64_t)1 << 63);
    unsigned fraction = (15 + size - point) * (early | late);
    if (16 - early + places > DIGITS_KEPT || (fraction == 0 && (early | late)))
        return NULL;
    __m128i order =
        _mm_add_epi8(unaligned(t->slide + 17 - early), unaligned(t->step + (15 - whole) * early));
    uint64_t kept = join_16(_mm_shuffle_epi8(digits, order)) * tens[places];
    kept += join_digits(rest.digits << 8 << (56 - 8 * places));
    return round_short(kept, -(int64_t)fraction, false, value) ? p + 16 + size : NULL;
}

#endif
