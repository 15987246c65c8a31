/* texts.c - expressions by chance; texts.h says which. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "texts.h"

#define DEEPEST 8
#define MARGIN 6 /* how much earlier the last number begins, so that the length is met on average */

void text_add(struct text *text, const char *bytes, size_t length)
{
    if (text->length + length + 1 > text->room) {
        text->room = 2 * (text->length + length) + 64;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes) {
            fputs("bench-evaluator: out of memory\n", stderr);
            exit(1);
        }
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_say(struct text *text, const char *words)
{
    text_add(text, words, strlen(words));
}

/* splitmix64, by Sebastiano Vigna: public domain. */
uint32_t chance(uint64_t *seed, uint32_t limit)
{
    uint64_t mixed = *seed += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    return (uint32_t)(((mixed >> 32) * limit) >> 32);
}

void text_digits(struct text *text, uint64_t *seed, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++) {
        char digit = (char)(i ? '0' + chance(seed, 10) : '1' + chance(seed, 9));
        text_add(text, &digit, 1);
    }
}

void text_number(struct text *text, uint64_t *seed, enum numbers numbers)
{
    if (numbers == LONG_NUMBERS) {
        unsigned digits = 17 + chance(seed, 3), before = 1 + chance(seed, digits - 1);
        text_digits(text, seed, before);
        text_say(text, ".");
        text_digits(text, seed, digits - before);
    } else if (numbers == TWENTY_DIGITS) {
        text_digits(text, seed, 5);
        text_say(text, ".");
        text_digits(text, seed, 15);
    } else if (chance(seed, 2)) {
        text_digits(text, seed, 1 + chance(seed, 4));
    } else {
        text_digits(text, seed, 1 + chance(seed, 3));
        text_say(text, ".");
        text_digits(text, seed, 1 + chance(seed, 4));
    }
}

static void add_operator(struct text *text, uint64_t *seed)
{
    static const char *const signs[] = {"+", "-", "*", "/", " + ", " - ", " * ", " / "};
    text_say(text, signs[chance(seed, 8)]);
}

static unsigned open_groups(struct text *text, uint64_t *seed, unsigned depth)
{
    if (chance(seed, 8) == 0)
        text_say(text, "-");
    for (; depth < DEEPEST && chance(seed, 5) == 0; depth++)
        text_say(text, "(");
    return depth;
}

static unsigned close_groups(struct text *text, uint64_t *seed, unsigned depth, unsigned of)
{
    for (; depth && chance(seed, of) == 0; depth--)
        text_say(text, ")");
    return depth;
}

void text_expression(struct text *text, uint64_t *seed, size_t length, enum numbers numbers)
{
    size_t end = text->length + length;
    for (unsigned depth = 0;;) {
        depth = open_groups(text, seed, depth);
        text_number(text, seed, numbers);
        if (text->length + depth + MARGIN > end) {
            close_groups(text, seed, depth, 1);
            return;
        }
        depth = close_groups(text, seed, depth, 3);
        add_operator(text, seed);
    }
}
