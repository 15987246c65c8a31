/* lane.h - a double in the place where masks can choose between it and another, without a branch
 * and without a way through the integer registers where the machine has a shorter one.
 */
#ifndef MEXE_LANE_H
#define MEXE_LANE_H

#include "core.h"

/* Which bits to keep and which to set; 16 bytes each, as the machine's registers have them. */
struct mask {
    _Alignas(16) uint64_t keep[2], set[2];
};

#if defined(__x86_64__) && !defined(MEXE_PORTABLE)
#include <immintrin.h>

typedef __m128d lane;

static inline lane lane_of(double value)
{
    return _mm_set_sd(value);
}

static inline lane lane_of_register(__m128d a)
{
    return a;
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

/* The bits of A that MASK has, and those of SET. */
static inline lane lane_masked(lane a, const struct mask *mask)
{
    lane keep = _mm_load_pd((const double *)(const void *)mask->keep);
    return _mm_or_pd(_mm_and_pd(a, keep), _mm_load_pd((const double *)(const void *)mask->set));
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

static inline lane lane_masked(lane a, const struct mask *mask)
{
    return (a & mask->keep[0]) | mask->set[0];
}
#endif

#endif
