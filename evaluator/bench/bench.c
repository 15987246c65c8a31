/* bench.c - how fast mexe is, beside others: `make bench-evaluator`.
 *
 *     bench-evaluator [-q|-m|-l] [SET...]     without SET: all of them
 *
 * -q: quick, for a look; -m: a table in Markdown; -l: only lists the expressions, one a line.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "machine_limits.h"
#include "measure.h"
#include "tell.h"

static double budget = 0.3; /* seconds a peer and set */
static void (*tell)(const struct set *set, const struct measured *results) = tell_text;

static void list_set(size_t number)
{
    struct set set = set_make(number);
    for (size_t i = 0; i < set.count; i++)
        puts(set.texts[i]);
    set_free(&set);
}

static void measure_set(size_t number)
{
    struct set set = set_make(number);
    struct measured results[MOST_PEERS];
    measure(&set, budget, results);
    tell(&set, results);
    fflush(stdout);
    set_free(&set);
}

/* Whether set `number` is among the names; no names: all are. */
static int is_chosen(size_t number, char **names)
{
    if (!*names)
        return 1;
    while (*names)
        if (!strcmp(set_name(number), *names++))
            return 1;
    return 0;
}

static int is_set(const char *name)
{
    for (size_t i = 0; i < set_count(); i++)
        if (!strcmp(set_name(i), name))
            return 1;
    return 0;
}

static void introduce(int with_limits)
{
    printf("processor %d; all in turns, the best of many; times: how often while the yardstick "
           "does it once\n\n",
           stay_on_one_processor());
    if (with_limits)
        limits_print();
}

static int wrong_usage(const char *word)
{
    fprintf(stderr, "bench-evaluator: no such set: %s; there are:", word);
    for (size_t i = 0; i < set_count(); i++)
        fprintf(stderr, " %s", set_name(i));
    fputs("\n", stderr);
    return 2;
}

/* The letter of the option, which must be the first word. */
static char option_of(char **words)
{
    const char *word = *words ? *words : "";
    return word[0] == '-' && word[1] && strchr("qml", word[1]) ? word[1] : '\0';
}

int main(int argc, char **argv)
{
    char **names = argv + (argc > 0), option = option_of(names);
    names += option != '\0';
    for (char **name = names; *name; name++)
        if (!is_set(*name))
            return wrong_usage(*name);
    budget = option == 'q' ? 0.05 : budget;
    tell = option == 'm' ? tell_markdown : tell_text;
    if (option != 'l')
        introduce(!*names);
    if (option == 'm')
        tell_markdown_head();
    for (size_t i = 0; i < set_count(); i++)
        if (is_chosen(i, names))
            (option == 'l' ? list_set : measure_set)(i);
    return 0;
}
