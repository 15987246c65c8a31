/* bench.c - how fast mexe is, beside others: `make bench-evaluator`.
 *
 *     bench-evaluator [-q] [SET...]     -q: quick, for a look; without SET: all of them
 *     bench-evaluator -l SET...         only lists the expressions, one a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "machine_limits.h"
#include "measure.h"

static double budget = 0.4; /* seconds a peer and set */

static void print_wanted(const struct set *set)
{
    if (set->wanted > 0)
        printf("   wanted: %.1f, of the original %.1f", set->wanted, set->wanted_crate);
    if (set->wanted_mb > 0)
        printf("   wanted: %.0f MB/s", set->wanted_mb);
}

static void print_peer(const struct set *set, size_t number, const struct measured *result)
{
    const char *name = peers[number].name;
    if (result->refuses) {
        printf("  %-10s %14s\n", name, "refuses");
        return;
    }
    printf("  %-10s %14.1f %8.0f %9.2f %10.4g", name, result->seconds * 1e9 / (double)set->count,
           (double)set->bytes / result->seconds / 1e6, result->times, result->heap_calls);
    if (result->other)
        printf("   other results: %zu of %zu", result->other, set->count);
    if (number == 0)
        print_wanted(set);
    putchar('\n');
}

static void list_set(size_t number)
{
    struct set set = set_make(number);
    for (size_t i = 0; i < set.count; i++)
        puts(set.texts[i]);
    set_free(&set);
}

static void print_set(size_t number)
{
    struct set set = set_make(number);
    struct measured results[MOST_PEERS];
    measure(&set, budget, results);
    printf("%s: %s\n", set.name, set.title);
    printf("  %-10s %14s %8s %9s %10s\n", "", "ns/expression", "MB/s", "times", "heap calls");
    for (size_t i = 0; peers[i].name; i++)
        print_peer(&set, i, &results[i]);
    putchar('\n');
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

int main(int argc, char **argv)
{
    int lists = argc > 1 && !strcmp(argv[1], "-l"), is_quick = argc > 1 && !strcmp(argv[1], "-q");
    char **names = argv + 1 + (lists || is_quick);
    for (char **name = names; *name; name++)
        if (!is_set(*name))
            return wrong_usage(*name);
    if (is_quick)
        budget = 0.05;
    if (!lists)
        introduce(!*names);
    for (size_t i = 0; i < set_count(); i++)
        if (is_chosen(i, names))
            (lists ? list_set : print_set)(i);
    return 0;
}
