/* schubfach.c - Raffaello Giulietti, "The Schubfach way to render doubles", 2022; schubfach.h.
 *
 * The names are the paper's. A double is c * 2^q; everything between the middles to its neighbours
 * reads back to it. k is the largest for which a multiple of 10^k always lies in between, so that
 * the shortest decimal is one of the two multiples of 10^(k+1) around the value, or else of 10^k.
 * The paper proves that the upper 128 bits of the powers suffice to compare, when the bits that are
 * cut off are kept as one sticky bit.
 */
#include <string.h>

#include "core.h" /* MEXE_POWER_MAX */
#include "powers.h"
#include "schubfach.h"

#define FRACTION_BITS 52
#define EXACT_MAX 55 /* 5^55 is the last one that fits into 128 bits */

__extension__ typedef unsigned __int128 wide;

/* A double, and the ends of what reads back to it, all times 4 in units of 10^k; the lowest bit
 * says that something was cut off. */
struct scaled {
    uint64_t lower, value, upper;
};

/* The largest e with 2^e <= 10^n. */
static int log2_of_power(int n)
{
    return (n * 1741647) >> 19;
}

/* g of the paper: the 128 leading bits of 10^n, rounded up. */
static wide power_of_ten(int n)
{
    const uint64_t *floor = powers[n + MEXE_POWER_MAX];
    return ((wide)floor[0] << 64 | floor[1]) + (n < 0 || n > EXACT_MAX);
}

/* g * c / 2^128, to odd. */
static uint64_t round_to_odd(wide g, uint64_t c)
{
    wide low = (wide)(uint64_t)g * c, high = (wide)(uint64_t)(g >> 64) * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

static struct scaled scale(uint64_t c, int q, int k, bool is_power_of_two)
{
    wide g = power_of_ten(-k);
    int h = q + log2_of_power(-k) + 1;
    uint64_t lower = 4 * c - 2 + is_power_of_two;
    return (struct scaled){
        round_to_odd(g, lower << h),
        round_to_odd(g, (4 * c) << h),
        round_to_odd(g, (4 * c + 2) << h),
    };
}

/* The better of s and s + 1 in units of 4, given that one of them lies inside or both. */
static uint64_t nearest(uint64_t s, uint64_t value)
{
    uint64_t middle = 4 * s + 2;
    return s + (value > middle || (value == middle && s % 2));
}

static void choose(struct scaled x, uint64_t *digits, int *k)
{
    uint64_t s = x.value / 4, ten = s / 10 * 10;
    bool below = x.lower <= 4 * ten, above = 4 * ten + 40 <= x.upper;
    if (s >= 10 && below != above) {
        *digits = s / 10 + above;
        ++*k;
        return;
    }
    below = x.lower <= 4 * s;
    above = 4 * s + 4 <= x.upper;
    *digits = below != above ? s + above : nearest(s, x.value);
}

bool schubfach(double value, uint64_t *digits, int *exponent)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    uint64_t c = fraction | (uint64_t)1 << FRACTION_BITS;
    int q = (int)(bits >> FRACTION_BITS) - 1023 - FRACTION_BITS;
    bool is_power_of_two = fraction == 0;
    int k = (q * 1262611 - (is_power_of_two ? 524031 : 0)) >> 22;
    if (-k < -MEXE_POWER_MAX || -k > MEXE_POWER_MAX)
        return false;
    struct scaled x = scale(c, q, k, is_power_of_two);
    x.lower += c & 1; /* the ends themselves read back only to an even double */
    x.upper -= c & 1;
    choose(x, digits, &k);
    *exponent = k;
    return true;
}
