/* lane.h - a double in the place where masks can choose between it and another, without a branch
 * and without a way through the integer registers where the machine has a shorter one.
 */
#ifndef MEXE_LANE_H
#define MEXE_LANE_H

#include "core.h"

#ifdef __SSE2__
#include <immintrin.h>

typedef __m128d lane;

static inline lane lane_of(double value)
{
    return _mm_set_sd(value);
}

static inline lane lane_of_bits(const uint64_t *bits)
{
    return _mm_castsi128_pd(_mm_loadl_epi64((const __m128i *)(const void *)bits));
}

static inline double lane_value(lane a)
{
    return _mm_cvtsd_f64(a);
}

static inline lane lane_negated(lane a)
{
    return _mm_xor_pd(a, _mm_set_sd(-0.0));
}

/* (A and MASK) or BITS. */
static inline lane lane_masked(lane a, lane mask, lane bits)
{
    return _mm_or_pd(_mm_and_pd(a, mask), bits);
}

/* The same of not MASK. */
static inline lane lane_unmasked(lane a, lane mask, lane bits)
{
    return _mm_or_pd(_mm_andnot_pd(mask, a), bits);
}

static inline lane lane_sum(lane a, lane b)
{
    return _mm_add_sd(a, b);
}

/* A / B where MASK is all ones, A * B where it is 0. */
static inline lane lane_applied(lane a, lane b, lane mask)
{
    lane product = _mm_mul_sd(a, b), quotient = _mm_div_sd(a, b);
#ifdef __SSE4_1__
    return _mm_blendv_pd(product, quotient, mask);
#else
    return _mm_or_pd(_mm_and_pd(mask, quotient), _mm_andnot_pd(mask, product));
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

static inline lane lane_of_bits(const uint64_t *bits)
{
    return *bits;
}

static inline double lane_value(lane a)
{
    return mexe_double(a);
}

static inline lane lane_negated(lane a)
{
    return a ^ (uint64_t)1 << 63;
}

static inline lane lane_masked(lane a, lane mask, lane bits)
{
    return (a & mask) | bits;
}

static inline lane lane_unmasked(lane a, lane mask, lane bits)
{
    return (a & ~mask) | bits;
}

static inline lane lane_sum(lane a, lane b)
{
    return lane_of(lane_value(a) + lane_value(b));
}

static inline lane lane_applied(lane a, lane b, lane mask)
{
    lane product = lane_of(lane_value(a) * lane_value(b));
    lane quotient = lane_of(lane_value(a) / lane_value(b));
    return product ^ ((product ^ quotient) & mask);
}
#endif

#endif
