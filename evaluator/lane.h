/* lane.h - a double in the place where masks can choose between it and another, without a branch
 * and without a way through the integer registers where the machine has a shorter one.
 */
#ifndef MEXE_LANE_H
#define MEXE_LANE_H

#include "core.h"

#if defined(__x86_64__) && !defined(MEXE_PORTABLE)
#include <immintrin.h>

typedef __m128d lane;

static inline lane lane_of(double value)
{
    return _mm_set_sd(value);
}

static inline lane lane_of_bits(uint64_t bits)
{
    return _mm_castsi128_pd(_mm_cvtsi64_si128((long long)bits));
}

static inline double lane_value(lane a)
{
    return _mm_cvtsd_f64(a);
}

static inline lane lane_negated(lane a)
{
    return _mm_xor_pd(a, _mm_set_sd(-0.0));
}

static inline lane lane_sum(lane a, lane b)
{
    return _mm_add_sd(a, b);
}

static inline lane lane_product(lane a, lane b)
{
    return _mm_mul_sd(a, b);
}

static inline lane lane_quotient(lane a, lane b)
{
    return _mm_div_sd(a, b);
}

/* YES where the highest bit of MASK is set, else NO. */
static inline lane lane_chosen(lane mask, lane yes, lane no)
{
#ifdef __SSE4_1__
    return _mm_blendv_pd(no, yes, mask);
#else
    __m128i high = _mm_srai_epi32(_mm_castpd_si128(mask), 31);
    lane all = _mm_castsi128_pd(_mm_shuffle_epi32(high, _MM_SHUFFLE(1, 1, 1, 1)));
    return _mm_or_pd(_mm_and_pd(all, yes), _mm_andnot_pd(all, no));
#endif
}

#else
typedef uint64_t lane;

static inline lane lane_of(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return both.bits;
}

static inline lane lane_of_bits(uint64_t bits)
{
    return bits;
}

static inline double lane_value(lane a)
{
    return mexe_double(a);
}

static inline lane lane_negated(lane a)
{
    return a ^ (uint64_t)1 << 63;
}

static inline lane lane_sum(lane a, lane b)
{
    return lane_of(lane_value(a) + lane_value(b));
}

static inline lane lane_product(lane a, lane b)
{
    return lane_of(lane_value(a) * lane_value(b));
}

static inline lane lane_quotient(lane a, lane b)
{
    return lane_of(lane_value(a) / lane_value(b));
}

static inline lane lane_chosen(lane mask, lane yes, lane no)
{
    lane all = 0 - (mask >> 63);
    return no ^ ((no ^ yes) & all);
}
#endif

#endif
