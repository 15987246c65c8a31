/* sets.c - which expressions, how many, and how fast they shall be; sets.h. */
#include <stdlib.h>
#include <string.h>

#include "sets.h"
#include "shapes.h"
#include "texts.h"

struct plan {
    const char *name, *title;
    size_t count, length; /* of the random ones; length 0: shapes.h has them */
    enum numbers numbers;
    double wanted, wanted_crate, wanted_mb;
};

/* Wanted are times of the crate's speed; they are told in times the yardstick's too, by the ratio of
 * the two on another machine. */
static const struct plan plans[] = {
    {"smallest", "\"2 + 3\", repeated", 1, 0, SHORT_NUMBERS, 4.3, 5, 0},
    {"twenty", "20 expressions of the crate's shapes, repeated", 20, 0, SHORT_NUMBERS, 5.8, 5, 0},
    {"manual", "177 bytes, five groups, repeated", 1, 0, SHORT_NUMBERS, 0, 0, 0},
    {"repeated-64", "64 B, one of them repeated", 1, 64, SHORT_NUMBERS, 0, 0, 0},
    {"different-64", "64 B, 16411 different", 16411, 64, SHORT_NUMBERS, 3.7, 3.5, 0},
    {"repeated-1100", "1.1 KB, one of them repeated", 1, 1100, SHORT_NUMBERS, 0, 0, 0},
    {"different-1100", "1.1 KB, 1009 different", 1009, 1100, SHORT_NUMBERS, 3.9, 3.5, 0},
    {"long-repeated", "numbers of 17 to 19 digits, one of 1.1 KB repeated", 1, 1100, LONG_NUMBERS,
     0, 0, 0},
    {"long-different", "numbers of 17 to 19 digits, 1009 different of 1.1 KB", 1009, 1100,
     LONG_NUMBERS, 2.9, 2.4, 0},
    {"twenty-digits", "numbers of 5 and 15 digits, 1009 different of 1.1 KB", 1009, 1100,
     TWENTY_DIGITS, 2.7, 2.4, 0},
    {"megabyte", "1 MB", 1, 1000000, SHORT_NUMBERS, 3.7, 3.5, 0},
    {"large", "64 MB", 1, 64000000, SHORT_NUMBERS, 0, 0, 400},
};

size_t set_count(void)
{
    return sizeof plans / sizeof *plans;
}

const char *set_name(size_t number)
{
    return plans[number].name;
}

static void write_one(struct text *text, const struct plan *plan, size_t number, uint64_t *seed)
{
    if (plan->length)
        text_expression(text, seed, plan->length, plan->numbers);
    else if (plan->count == 20)
        shape_of_twenty(text, number);
    else if (!strcmp(plan->name, "manual"))
        shape_of_manual(text);
    else
        text_say(text, "2 + 3");
}

/* One block of text for the whole set; the pointers into it are taken when it moves no more. */
struct set set_make(size_t number)
{
    const struct plan *plan = &plans[number];
    struct set set = {.name = plan->name, .title = plan->title, .count = plan->count};
    struct text all = {0};
    uint64_t seed = 37;
    set.wanted = plan->wanted;
    set.wanted_crate = plan->wanted_crate;
    set.wanted_mb = plan->wanted_mb;
    set.texts = calloc(plan->count, sizeof *set.texts);
    set.lengths = calloc(plan->count, sizeof *set.lengths);
    for (size_t i = 0; i < plan->count; i++) {
        size_t start = all.length;
        write_one(&all, plan, i, &seed);
        set.lengths[i] = all.length - start;
        set.bytes += set.lengths[i];
        text_add(&all, "", 1);
    }
    for (size_t i = 0, at = 0; i < plan->count; at += set.lengths[i++] + 1)
        set.texts[i] = all.bytes + at;
    return set;
}

void set_free(struct set *set)
{
    free((char *)set->texts[0]);
    free(set->texts);
    free(set->lengths);
}
