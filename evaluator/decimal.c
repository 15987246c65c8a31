/* decimal.c - a decimal number of any length, rounded exactly, by division of whole numbers.
 *
 * After W. D. Clinger, "How to Read Floating Point Numbers Accurately" (1990), algorithm M: the
 * number is a fraction of two whole numbers; scaled by a power of two, its quotient is the mantissa
 * and its remainder decides the rounding. Nothing is estimated.
 *
 * 770 digits are enough: a midpoint between two doubles has at most 767, so that of what follows
 * only matters whether it is 0. Then neither of the two, with 53 bits to divide, exceeds 2700 bits.
 */
#include "core.h"

enum { DIGITS_MAX = 770, LIMBS = 96, CHUNK = 9 };

struct big {
    int count; /* limbs in use; the highest is not 0 */
    uint32_t limb[LIMBS];
};

static void multiply_add(struct big *n, uint32_t factor, uint32_t carry)
{
    for (int i = 0; i < n->count; i++) {
        uint64_t product = (uint64_t)n->limb[i] * factor + carry;
        n->limb[i] = (uint32_t)product;
        carry = (uint32_t)(product >> 32);
    }
    if (carry)
        n->limb[n->count++] = carry;
}

static void multiply_by_power(struct big *n, uint32_t base, int64_t exponent)
{
    for (; exponent >= CHUNK; exponent -= CHUNK) {
        uint32_t factor = 1;
        for (int i = 0; i < CHUNK; i++)
            factor *= base;
        multiply_add(n, factor, 0);
    }
    for (; exponent > 0; exponent--)
        multiply_add(n, base, 0);
}

static void shift_left(struct big *n, int64_t bits)
{
    int limbs = (int)(bits / 32), rest = (int)(bits % 32);
    multiply_add(n, (uint32_t)1 << rest, 0);
    for (int i = n->count - 1; i >= 0; i--)
        n->limb[i + limbs] = n->limb[i];
    for (int i = 0; i < limbs; i++)
        n->limb[i] = 0;
    n->count += limbs;
}

static int64_t bit_length(const struct big *n)
{
    int64_t bits = (int64_t)32 * n->count;
    for (uint32_t top = n->limb[n->count - 1]; !(top >> 31); top <<= 1)
        bits--;
    return bits;
}

static int compare(const struct big *a, const struct big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

/* A -= B, which is not greater. */
static void subtract(struct big *a, const struct big *b)
{
    uint32_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        uint64_t taken = (uint64_t)(i < b->count ? b->limb[i] : 0) + borrow;
        borrow = a->limb[i] < taken;
        a->limb[i] = (uint32_t)(a->limb[i] - taken);
    }
    while (a->count > 0 && a->limb[a->count - 1] == 0)
        a->count--;
}

/* Reads COUNT digits, at most DIGITS_MAX, and returns where they end. */
static const char *read_digits(struct big *n, const char *p, int64_t count)
{
    while (count > 0) {
        uint32_t chunk = 0, scale = 1;
        for (; count > 0 && scale < 1000000000; p++) {
            if (*p == '.')
                continue;
            chunk = chunk * 10 + (uint32_t)(*p - '0');
            scale *= 10;
            count--;
        }
        multiply_add(n, scale, chunk);
    }
    return p;
}

static bool any_but_zeros(const char *p, int64_t count)
{
    for (; count > 0; p++) {
        if (*p != '0' && *p != '.')
            return true;
        count -= *p != '.';
    }
    return false;
}

/* The quotient, less than 2^53, rounded to nearest, ties to even. Both numbers are used up. */
static uint64_t divide_rounded(struct big *number, struct big *divisor)
{
    uint64_t quotient = 0;
    shift_left(divisor, 52);
    for (int bit = 52; bit >= 0; bit--) {
        quotient <<= 1;
        if (compare(number, divisor) >= 0) {
            subtract(number, divisor);
            quotient |= 1;
        }
        multiply_add(number, 2, 0);
    }
    int rest = compare(number, divisor);
    return quotient + (rest > 0 || (rest == 0 && (quotient & 1)));
}

/* NUMBER / DIVISOR * 2^EXPONENT. */
static double round_fraction(struct big *number, struct big *divisor, int64_t exponent)
{
    int64_t shift = bit_length(number) - bit_length(divisor);
    struct big *smaller = shift < 0 ? number : divisor;
    int64_t distance = shift < 0 ? -shift : shift;
    shift_left(smaller, distance);
    /* NUMBER / DIVISOR is now from 1/2 to less than 2; 2^TOP is the highest bit of the value. */
    int64_t top = shift + exponent - (compare(number, divisor) < 0);
    int64_t unit = top - 52 < -1074 ? -1074 : top - 52;
    int64_t scale = shift + exponent - unit;
    shift_left(scale < 0 ? divisor : number, scale < 0 ? -scale : scale);
    uint64_t mantissa = divide_rounded(number, divisor);
    if (unit > 971)
        return mexe_double((uint64_t)2047 << 52);
    /* Of a subnormal number the mantissa is all there is; otherwise it adds 1 to the exponent. */
    return mexe_double(((uint64_t)(unit + 1074) << 52) + mantissa);
}

double mexe_round_decimal(const char *digits, int64_t count, int64_t exponent)
{
    if (count + exponent > 309)
        return mexe_double((uint64_t)2047 << 52);
    if (count + exponent < -324)
        return 0;
    struct big number = {0}, divisor = {1, {1}};
    int64_t used = count < DIGITS_MAX ? count : DIGITS_MAX;
    const char *rest = read_digits(&number, digits, used);
    exponent += count - used;
    if (any_but_zeros(rest, count - used)) {
        multiply_add(&number, 10, 1);
        exponent--;
    }
    if (exponent < 0)
        multiply_by_power(&divisor, 5, -exponent);
    else
        multiply_by_power(&number, 5, exponent);
    return round_fraction(&number, &divisor, exponent);
}
