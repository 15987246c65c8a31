/* product.c - a decimal number of up to 19 digits, rounded with one product of 64 by 128 bits.
 *
 * After Eisel and Lemire (D. Lemire, "Number Parsing at a Gigabyte per Second", 2021), with a
 * plainer proof in exchange for a wider margin. Let W have its highest bit set, and T be the 128
 * leading bits of 5^q, rounded down: the true product lies from W * T to less than W * T + W, and
 * W < 2^64. So in units of 2^64, which are those of the upper 128 bits of W * T, the error is less
 * than 2: less than 1 for T, less than 1 for the bits left out below. Only where a midpoint between
 * two doubles lies within the error is anything undecided; the caller then counts exactly.
 */
#include "core.h"
#include "powers.h"

struct product {
    uint64_t high, low;
};

#if defined(__SIZEOF_INT128__) && !defined(MEXE_PORTABLE)
__extension__ typedef unsigned __int128 wide;

static struct product multiply(uint64_t a, uint64_t b)
{
    wide full = (wide)a * b;
    return (struct product){(uint64_t)(full >> 64), (uint64_t)full};
}
#else
static struct product multiply(uint64_t a, uint64_t b)
{
    uint64_t a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t carry = a0 * b1 + (middle & 0xffffffff);
    return (struct product){a1 * b1 + (middle >> 32) + (carry >> 32), a * b};
}
#endif

static int leading_zeros(uint64_t w)
{
#ifdef __GNUC__
    return __builtin_clzll(w);
#else
    int count = 0;
    for (; !(w >> 63); w <<= 1)
        count++;
    return count;
#endif
}

/* The whole part of log2(10^q). */
static int64_t log2_of_power(int64_t q)
{
    return ((217706 * q + ((int64_t)1 << 30)) >> 16) - (1 << 14);
}

/* A midpoint with digits behind its point is W / 5^n / 2^n without a remainder: then W / 5^n is
 * rounded by the processor, and halving is exact. */
static bool round_tie(uint64_t w, int64_t exponent, double *value)
{
    double scale = 1;
    for (; exponent < 0 && w % 5 == 0; exponent++) {
        w /= 5;
        scale /= 2;
    }
    *value = (double)w * scale;
    return exponent == 0;
}

bool mexe_round_product(uint64_t w, int64_t exponent, bool cut, double *value)
{
    if (exponent < -MEXE_POWER_MAX || exponent > MEXE_POWER_MAX)
        return false;
    const uint64_t *power = powers[exponent + MEXE_POWER_MAX];
    int zeros = leading_zeros(w);
    struct product product = multiply(w << zeros, power[0]);
    uint64_t below = multiply(w << zeros, power[1]).high;
    product.low += below;
    product.high += product.low < below;

    /* 53 bits of HIGH are the mantissa; what is below them, with LOW, decides the rounding. */
    int dropped = 10 + (int)(product.high >> 63);
    uint64_t mantissa = product.high >> dropped;
    uint64_t rest = product.high & (((uint64_t)1 << dropped) - 1);
    uint64_t half = (uint64_t)1 << (dropped - 1);
    /* The error in units of HIGH, rounded up: of W, when it was cut, and of what is below. */
    uint64_t slack = (cut ? (uint64_t)1 << zeros : 0) + (cut || product.low >= UINT64_MAX - 1);
    if (rest > half || (rest == half && product.low > 0))
        mantissa++;
    else if (rest + slack >= half)
        return !cut && round_tie(w, exponent, value);
    int64_t exponent2 = dropped + 1 - zeros + log2_of_power(exponent);
    *value = mexe_double(((uint64_t)(exponent2 + 1074) << 52) + mantissa);
    return true;
}
