/* shortest.c - how a number is written, with the fewest digits; shortest.h.
 *
 * Schubfach finds them, for numbers of a usual size. For the others libc's exact conversions do.
 * Why at most three tries suffice there: a decimal of 15 digits or fewer survives the way through a
 * normal double and back to 15 digits (DBL_DIG of the C standard). So where one of them reads back
 * to the value, it is what "%.14e" prints, but for zeros at its end; and 17 digits always read back.
 * With 16 there is a catch: at a power of two the doubles below are twice as near as those above,
 * and where the rounded decimal is too low, the next one above can still read back.
 *
 * Subnormal numbers have fewer digits: all lengths are tried.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schubfach.h"
#include "shortest.h"

#define MOST_DIGITS 17
#define FIRST_WITH_EXPONENT 16 /* 10^16 */
#define LAST_WITHOUT (-4)      /* 10^-4 */
#define ALL_WHOLE 9007199254740992.0

/* d.ddd times 10^exponent */
struct decimal {
    char digits[MOST_DIGITS];
    int count, exponent;
};

/* This program never calls setlocale: the point is a point. */
static double read_back(const struct decimal *decimal)
{
    char text[SHORTEST_ROOM];
    snprintf(text, sizeof text, "%.*se%d", decimal->count, decimal->digits,
             decimal->exponent - (decimal->count - 1));
    return strtod(text, NULL);
}

/* VALUE rounded to so many digits. */
static struct decimal rounded(double value, int count)
{
    struct decimal decimal = {.count = count};
    char text[SHORTEST_ROOM];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    decimal.digits[0] = text[0];
    if (count > 1)
        memcpy(decimal.digits + 1, text + 2, (size_t)count - 1);
    decimal.exponent = atoi(text + (count > 1 ? count + 2 : 2));
    return decimal;
}

/* The next decimal above of as many digits; those of nines alone are left as they are. */
static struct decimal next_above(struct decimal decimal)
{
    int last = decimal.count - 1;
    while (last && decimal.digits[last] == '9')
        last--;
    if (decimal.digits[last] == '9')
        return decimal;
    decimal.digits[last]++;
    memset(decimal.digits + last + 1, '0', (size_t)(decimal.count - last - 1));
    return decimal;
}

static int is_power_of_two(double value)
{
    int exponent;
    return frexp(value, &exponent) == 0.5;
}

static struct decimal try_lengths(double value)
{
    struct decimal decimal;
    int count = value < DBL_MIN ? 1 : DBL_DIG;
    for (; count < MOST_DIGITS; count++) {
        decimal = rounded(value, count);
        if (read_back(&decimal) == value)
            return decimal;
        decimal = next_above(decimal);
        if (is_power_of_two(value) && read_back(&decimal) == value)
            return decimal;
    }
    return rounded(value, MOST_DIGITS);
}

static size_t write_whole(uint64_t value, char *text)
{
    char digits[SHORTEST_ROOM];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        text[i] = digits[count - 1 - i];
    return count;
}

static struct decimal from_digits(uint64_t digits, int exponent)
{
    struct decimal decimal;
    char text[SHORTEST_ROOM];
    decimal.count = (int)write_whole(digits, text);
    decimal.exponent = exponent + decimal.count - 1;
    memcpy(decimal.digits, text, (size_t)decimal.count);
    return decimal;
}

static struct decimal shortest(double value)
{
    uint64_t digits;
    int exponent;
    if (value >= DBL_MIN && schubfach(value, &digits, &exponent))
        return from_digits(digits, exponent);
    return try_lengths(value);
}

static void drop_zeros(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
}

static char *put(char *text, const char *bytes, int count)
{
    memcpy(text, bytes, (size_t)count);
    return text + count;
}

/* 12300, 12.3 or 0.00123 */
static size_t write_plain(const struct decimal *decimal, char *text)
{
    static const char zeros[] = "0000000000000000";
    int before = decimal->exponent + 1, behind = decimal->count - before;
    char *end = text;
    if (before <= 0) {
        end = put(put(end, "0.", 2), zeros, -before);
        end = put(end, decimal->digits, decimal->count);
    } else if (behind <= 0) {
        end = put(put(end, decimal->digits, decimal->count), zeros, -behind);
    } else {
        end = put(put(end, decimal->digits, before), ".", 1);
        end = put(end, decimal->digits + before, behind);
    }
    return (size_t)(end - text);
}

/* 1.23e+45 */
static size_t write_exponent(const struct decimal *decimal, char *text)
{
    const char *point = decimal->count > 1 ? "." : "";
    return (size_t)sprintf(text, "%c%s%.*se%+03d", decimal->digits[0], point, decimal->count - 1,
                           decimal->digits + 1, decimal->exponent);
}

static size_t write_positive(double value, char *text)
{
    if (value < ALL_WHOLE && value == (double)(uint64_t)value)
        return write_whole((uint64_t)value, text); /* below 2^53 it is all its digits */
    struct decimal decimal = shortest(value);
    drop_zeros(&decimal);
    if (decimal.exponent < LAST_WITHOUT || decimal.exponent >= FIRST_WITH_EXPONENT)
        return write_exponent(&decimal, text);
    return write_plain(&decimal, text);
}

size_t shortest_write(double value, char *text)
{
    size_t sign = signbit(value) && !isnan(value);
    text[0] = '-';
    if (isfinite(value))
        return sign + write_positive(fabs(value), text + sign);
    memcpy(text + sign, isnan(value) ? "nan" : "inf", 3);
    return sign + 3;
}
