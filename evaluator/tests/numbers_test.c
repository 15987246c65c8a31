/* numbers_test.c - numbers through mexe and strtod, above all those that are hard to round.
 *
 *     numbers_test ROUNDS [SEED]     prints how many numbers were read
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "ways.h"

enum { ROOM = 4000 };

static unsigned long numbers;
static uint64_t seed = 41;

static void compare(const char *text, size_t length, double its)
{
    for (const struct way *way = ways; way->name; way++) {
        double mine = -1;
        enum mexe_status status = way->eval(text, length, &mine, NULL, NULL, 0);
        if (status == MEXE_OK && memcmp(&its, &mine, sizeof its) == 0)
            continue;
        printf("%s: %a, not %a (status %d): %s\n", way->name, mine, its, status, text);
        exit(1);
    }
}

/* By itself, and with so much behind it that more may be read at once. */
static void check(const char *text)
{
    static char longer[ROOM + 64];
    double its = strtod(text, NULL);
    compare(text, strlen(text), its);
    snprintf(longer, sizeof longer, "%s%40s", text, "");
    compare(longer, strlen(longer), its);
    numbers++;
}

static double by_chance(void)
{
    for (;;) {
        uint64_t bits = chance64(&seed) >> 1;
        double value;
        if (chance(&seed, 8) == 0)
            bits >>= 11 + chance(&seed, 52); /* subnormal */
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value > 0)
            return value;
    }
}

static void add_digits(char *text, unsigned count, int digit)
{
    size_t length = strlen(text);
    for (; count && length < ROOM - 1; count--)
        text[length++] = (char)(digit < 0 ? '0' + (int)chance(&seed, 10) : digit);
    text[length] = '\0';
}

/* TEXT, which has a point, is a tie: so are the same with zeros behind; the others are not. */
static void check_around(const char *text)
{
    char other[ROOM];
    static const unsigned tails[] = {0, 1, 3, 20, 300, 800};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        strcpy(other, text);
        add_digits(other, tails[i], '0');
        check(other);
        add_digits(other, 1, '1');
        check(other);
    }
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        strcpy(other, text);
        char *last = other + strlen(other) - 1;
        for (; last > other && (*last == '0' || *last == '.'); last--)
            *last = *last == '.' ? '.' : '9';
        if (*last == '0')
            return;
        (*last)--;
        add_digits(other, tails[i], '9');
        check(other);
    }
}

#if LDBL_MANT_DIG >= 64
/* The midpoint between a double and the next has one bit more, and long double has eleven. */
static void check_midpoint(double low)
{
    char text[ROOM];
    double high = nextafter(low, INFINITY);
    long double middle = isinf(high) ? (long double)DBL_MAX + (ldexpl(1, 970))
                                     : (long double)low + ((long double)high - low) / 2;
    snprintf(text, sizeof text, "%.1080Lf", middle);
    for (char *last = text + strlen(text) - 1; *last == '0' && last[-1] != '.'; last--)
        *last = '\0';
    check_around(text);
}
#endif

/* A double in COUNT significant digits, which are too few or more than enough. */
static void check_printed(double value, int count)
{
    char text[ROOM];
    int magnitude = value > 0 ? (int)floor(log10(value)) : 0;
    int decimals = count - magnitude;
    snprintf(text, sizeof text, "%.*f", decimals < 0 ? 0 : decimals, value);
    check(text);
}

static void check_digits(void)
{
    char text[ROOM] = "";
    static const unsigned counts[] = {1, 3, 8, 9, 16, 17, 18, 19, 20, 21, 40, 110, 320, 900};
    enum { COUNTS = sizeof counts / sizeof *counts };
    add_digits(text, chance(&seed, 4) ? 0 : counts[chance(&seed, COUNTS)], '0');
    add_digits(text, 1 + chance(&seed, counts[chance(&seed, COUNTS)]), -1);
    if (chance(&seed, 2)) {
        strcat(text, ".");
        add_digits(text, chance(&seed, 2) ? 0 : chance(&seed, 345), '0');
        add_digits(text, 1 + chance(&seed, counts[chance(&seed, COUNTS)]), -1);
    }
    check(text);
}

/* Every length of both sides of a point, from one byte to more than fast ways read at once. */
static void check_lengths(void)
{
    for (unsigned before = 1; before <= 25; before++)
        for (unsigned behind = 0; behind <= 25; behind++) {
            char text[ROOM] = "";
            add_digits(text, before, -1);
            strcat(text, behind ? "." : "");
            add_digits(text, behind, -1);
            check(text);
        }
}

/* The ends of the range: the largest number and infinity, the smallest one and 0. */
static void check_borders(void)
{
    static const double borders[] = {
        0, DBL_TRUE_MIN, DBL_MIN, 1, 9007199254740991.0, 9007199254740992.0, 1e22, 1e23, DBL_MAX};
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++)
        for (int step = -3; step <= 3; step++) {
            double value = borders[i];
            for (int taken = 0; taken < abs(step); taken++)
                value = nextafter(value, step < 0 ? 0 : INFINITY);
            if (isinf(value))
                continue;
            check_printed(value, 800);
#if LDBL_MANT_DIG >= 64
            check_midpoint(value);
#endif
        }
    char text[ROOM] = "";
    add_digits(text, 309, '9');
    check(text);
    add_digits(text, 3000, '9');
    check(text);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : seed;
    check_borders();
    for (long i = 0; i < rounds; i++) {
        double value = by_chance();
        check_printed(value, 1 + (int)chance(&seed, 22));
        check_printed(value, 800);
        check_printed(ldexp(value, -ilogb(value) + (int)chance(&seed, 120) - 60), 17);
        for (int digits = 0; digits < 20; digits++)
            check_digits();
        if (i % 20 == 0)
            check_lengths();
#if LDBL_MANT_DIG >= 64
        if (i % 8 == 0)
            check_midpoint(value);
        if (i % 2 == 0)
            check_midpoint(ldexp(value, -ilogb(value) + (int)chance(&seed, 120) - 60));
#endif
    }
    printf("%lu numbers, all as strtod\n", numbers);
    return 0;
}
