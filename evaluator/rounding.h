/* rounding.h - numbers of which 64 bits hold all the digits, or the first of them. */
#ifndef MEXE_ROUNDING_H
#define MEXE_ROUNDING_H

#include "core.h"

enum { DIGITS_KEPT = 19 }; /* 10^19 - 1 fits into 64 bits */

/* The powers of ten that a double holds exactly, and those that 32 bits hold. */
static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* Exact when both sides are: mantissas up to 2^53, powers of ten up to 10^22. */
static inline bool round_exact(uint64_t w, int64_t exponent, double *value)
{
    if (w > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return false;
    *value = exponent < 0 ? (double)w / ten[-exponent] : (double)w * ten[exponent];
    return true;
}

/* The double next to W * 10^EXPONENT; otherwise as mexe_round_product. */
static inline bool round_short(uint64_t kept, int64_t exponent, bool cut, double *value)
{
    if (kept == 0) {
        *value = 0;
        return true;
    }
    return (!cut && round_exact(kept, exponent, value)) ||
           mexe_round_product(kept, exponent, cut, value);
}

#endif
