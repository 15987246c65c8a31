/* texts.h - makes expressions by chance: the same ones for the same seed, on every machine. */
#ifndef TEXTS_H
#define TEXTS_H

#include <stddef.h>
#include <stdint.h>

/* A growing text. `bytes` always ends in NUL, which `length` does not count. */
struct text {
    char *bytes;
    size_t length, room;
};

/* Adds to the end. No memory ends the program: this is a benchmark's. */
void text_add(struct text *text, const char *bytes, size_t length);
void text_say(struct text *text, const char *words);

/* The next number of a sequence, below `limit`. Any seed will do. */
uint32_t chance(uint64_t *seed, uint32_t limit);

/* Adds so many digits; the first is not 0. */
void text_digits(struct text *text, uint64_t *seed, unsigned digits);

enum numbers {
    SHORT_NUMBERS, /* half of them 1 to 4 digits, half with 1 to 3 before and 1 to 4 behind the point */
    LONG_NUMBERS, /* 17 to 19 digits in all, with a point anywhere among them */
    TWENTY_DIGITS /* 5 before and 15 behind the point */
};

/* Adds one number. */
void text_number(struct text *text, uint64_t *seed, enum numbers numbers);

/* Adds one expression of about `length` bytes: operators, minus signs, spaces and parentheses (at
 * most eight levels) as chance has it. */
void text_expression(struct text *text, uint64_t *seed, size_t length, enum numbers numbers);

#endif
