/* machine_limits.c - the speed of light of an evaluator; machine_limits.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "machine_limits.h"
#include "texts.h"

#define BYTES 4000000
#define TURNS 9

static volatile double sink;

static double scan(const struct text *text)
{
    return memchr(text->bytes, '\n', text->length) != NULL;
}

static double sum_bytes(const struct text *text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text->length; i++)
        sum += (unsigned char)text->bytes[i];
    return sum;
}

/* What is behind a number is stepped over, in one piece. */
static double read_numbers(const struct text *text)
{
    double sum = 0;
    const char *at = text->bytes;
    for (char *end; *at; at = end + strspn(end, "()+-*/ "))
        sum += strtod(at, &end);
    return sum;
}

static double megabytes_a_second(double (*work)(const struct text *), const struct text *text)
{
    double best = 1e9;
    for (int turn = 0; turn < TURNS; turn++) {
        double start = seconds();
        sink = work(text);
        double took = seconds() - start;
        best = took < best ? took : best;
    }
    return (double)text->length / best / 1e6;
}

static struct text numbers(enum numbers kind)
{
    struct text text = {0};
    uint64_t seed = 41;
    while (text.length < BYTES) {
        text_number(&text, &seed, kind);
        text_say(&text, "+");
    }
    text.bytes[--text.length] = '\0';
    return text;
}

void limits_print(void)
{
    struct text small = numbers(SHORT_NUMBERS), large = numbers(LONG_NUMBERS);
    puts("limits of this machine, MB/s:");
    printf("  memchr %.0f, sum of bytes %.0f, strtod alone %.0f (short numbers), %.0f (long)\n\n",
           megabytes_a_second(scan, &small), megabytes_a_second(sum_bytes, &small),
           megabytes_a_second(read_numbers, &small), megabytes_a_second(read_numbers, &large));
    free(small.bytes);
    free(large.bytes);
}
