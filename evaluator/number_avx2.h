/* number_avx2.h - reads a number of up to 15 bytes at once, without a branch on what it looks like.
 *
 * After W. Mula's "SIMD-ized faster parse of integers": one shuffle moves the digits to the right
 * end of the register, and closes the gap of the point; neighbours are then joined four times.
 */
#ifndef MEXE_NUMBER_AVX2_H
#define MEXE_NUMBER_AVX2_H

#include "lane.h"
#include "pieces.h"
#include "vectors.h"

#include "marks.h"

#ifdef MEXE_PORTABLE /* for the tests alone: else nothing portable is left in this file */
static inline lane lane_of_register(__m128d a)
{
    return lane_of(_mm_cvtsd_f64(a));
}
#endif

/* The values of the first 8 of 16 digits and of the other 8, as 32 bits each. */
static inline __m128i join_eights(const struct tables *t, __m128i digits)
{
    __m128i pairs = _mm_maddubs_epi16(digits, load_16(t->tens));
    __m128i fours = _mm_madd_epi16(pairs, load_16(t->hundreds));
    return _mm_madd_epi16(_mm_packus_epi32(fours, fours), load_16(t->myriads));
}

/* Where each number of the block is simple, which is soon seen. */
static inline bool read_simple(const struct tables *t, unsigned size, const char *p, lane *value)
{
    __m128i digits = _mm_sub_epi8(load_16(p), load_16(t->zero));
    __m128i pairs = _mm_maddubs_epi16(_mm_shuffle_epi8(digits, load_16(t->slide + 12 + size)),
                                      load_16(t->tens));
    *value = lane_of_register(_mm_cvtepi32_pd(_mm_madd_epi16(pairs, load_16(t->hundreds))));
    return size > 0;
}

/* Reads the number AT bytes behind the start of a block, at P; false when there is none, or a longer
 * one. The marks say where it ends: only its value must wait for its bytes. */
static inline bool read_short(const struct tables *t, const struct marks *marks, unsigned at,
                              const char *p, lane *value)
{
    unsigned size = (unsigned)_tzcnt_u64(marks->no_numerics >> at);
    if (marks->simple)
        return read_simple(t, size, p, value);
    unsigned whole = (unsigned)_tzcnt_u64(marks->no_digits >> at);
    unsigned fraction = (size - whole - 1) & 31; /* 31 without a point */
    if (size - 1 >= 15)
        return false;
    __m128i digits = _mm_sub_epi8(load_16(p), load_16(t->zero));
    __m128i order = _mm_add_epi8(load_16(t->slide + size), load_16(t->step + fraction));
    __m128i eights = join_eights(t, _mm_shuffle_epi8(digits, order));
    __m128d all = _mm_cvtepi32_pd(_mm_shuffle_epi32(eights, 1));
    if (size > 8) {
        __m128d first = _mm_mul_sd(_mm_cvtepi32_pd(eights), _mm_set_sd(1e8));
        all = _mm_add_sd(first, all);
    }
    *value = lane_of_register(_mm_div_sd(all, _mm_load_sd(&t->ten[fraction])));
    return true;
}

/* Reads a number of 16 to 23 bytes, of which there are 24; as its twin. */
static inline const char *read_long(const char *p, double *value)
{
    const struct tables *t = hidden_tables();
    __m128i bytes = load_16(p), digits = _mm_sub_epi8(bytes, load_16(t->zero));
    __m128i are = _mm_cmpeq_epi8(_mm_min_epu8(digits, load_16(t->nine)), digits);
    uint32_t points = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, load_16(t->point)));
    uint32_t others = (uint32_t)_mm_movemask_epi8(are) ^ 0xffff;
    struct piece rest = find_piece(load_word(p + 16));
    unsigned early = points != 0, late = rest.point != 0;
    if (others != points || (points & (points - 1)) || !rest.stop || (early & late))
        return NULL;
    unsigned whole = (unsigned)__builtin_ctz(points | 1 << 16), size = bytes_below(rest.stop);
    unsigned places = size - late,
             point = whole + late * bytes_below(rest.point | (uint64_t)1 << 63);
    unsigned fraction = (15 + size - point) * (early | late);
    if (fraction == 0 && (early | late))
        return NULL;
    __m128i order = _mm_add_epi8(load_16(t->slide + 16), load_16(t->step + ((15 - whole) & 31)));
    uint64_t eights = (uint64_t)_mm_cvtsi128_si64(join_eights(t, _mm_shuffle_epi8(digits, order)));
    uint64_t kept = (eights & UINT32_MAX) * 100000000 + (eights >> 32);
    unsigned dropped = not_kept(16 - early + places);
    bool is_near = dropped ? round_most(kept, rest.digits, places, dropped, fraction, value)
                           : round_all(kept, rest.digits, places, fraction, value);
    return is_near ? p + 16 + size : NULL;
}

#endif
