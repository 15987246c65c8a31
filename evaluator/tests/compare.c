/* compare.c - mexe beside the reference; compare.h. */
#include "compare.h"
#include "reference.h"
#include "ways.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTOUCHED 0.1234567

struct outcome {
    enum mexe_status status;
    double value;
    struct mexe_error error;
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bit for bit, except that the reference's NaN may be any and mexe's is always the same. */
static bool same_value(double mine, double its)
{
    return isnan(its) ? bits_of(mine) == UINT64_C(0x7ff8000000000000)
                      : bits_of(mine) == bits_of(its);
}

static bool same(const struct outcome *mine, const struct outcome *its)
{
    return mine->status == its->status && mine->error.status == its->error.status &&
           mine->error.position == its->error.position && same_value(mine->value, its->value);
}

static bool complain(const char *who, const char *text, size_t length, const struct outcome *mine,
                     const struct outcome *its)
{
    fprintf(stderr, "%s differs: %d at %zu: %a; the reference: %d at %zu: %a; %zu bytes:\n", who,
            mine->status, mine->error.position, mine->value, its->status, its->error.position,
            its->value, length);
    fwrite(text, 1, length < 2000 ? length : 2000, stderr);
    fputc('\n', stderr);
    return false;
}

static size_t levels_in(const char *text, size_t length)
{
    size_t levels = 0;
    for (size_t i = 0; i < length; i++)
        levels += text[i] == '(';
    return levels;
}

/* With scratch that does not suffice it must say so, at a parenthesis, or be right nevertheless. */
static bool agrees_within(const struct way *way, const char *text, size_t length, size_t size,
                          bool enough, const struct outcome *its)
{
    struct outcome mine = {.value = UNTOUCHED};
    unsigned char *scratch = malloc(size + 1);
    if (!scratch)
        abort();
    scratch[size] = 0xa5;
    mine.status = way->eval(text, length, &mine.value, &mine.error, scratch, size);
    bool intact = scratch[size] == 0xa5;
    free(scratch);
    if (!enough && intact && mine.status == MEXE_TOO_DEEP && mine.error.status == MEXE_TOO_DEEP &&
        mine.error.position < length && text[mine.error.position] == '(' &&
        same_value(mine.value, UNTOUCHED))
        return true;
    return (intact && same(&mine, its)) || complain(way->name, text, length, &mine, its);
}

static bool agrees_in_all_ways(const char *text, size_t length, const struct outcome *its)
{
    size_t levels = levels_in(text, length);
    for (size_t i = 0; ways[i].name; i++)
        if (!agrees_within(&ways[i], text, length, 24 * levels, true, its) ||
            !agrees_within(&ways[i], text, length, 7 * levels, false, its) ||
            !agrees_within(&ways[i], text, length, 0, levels == 0, its))
            return false;
    return true;
}

bool agrees(const char *text, size_t length)
{
    struct outcome mine = {.value = UNTOUCHED}, its = mine, bare = mine;
    its.status = reference_eval(text, length, &its.value, &its.error.position);
    its.error.status = its.status;
    mine.status = mexe_eval(text, length, &mine.value, &mine.error);
    if (!same(&mine, &its))
        return complain("mexe_eval", text, length, &mine, &its);
    bare.status = mexe_eval(text, length, &bare.value, NULL);
    bare.error = mine.error;
    if (!same(&bare, &its))
        return complain("mexe_eval without an error", text, length, &bare, &its);
    return agrees_in_all_ways(text, length, &its);
}
