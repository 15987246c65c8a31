/* tell.c - lines for people, rows for docs/evaluator.md; tell.h. */
#include <stdio.h>
#include <string.h>

#include "tell.h"

static double nanoseconds(const struct set *set, const struct measured *result)
{
    return result->seconds * 1e9 / (double)set->count;
}

static double megabytes_a_second(const struct set *set, const struct measured *result)
{
    return (double)set->bytes / result->seconds / 1e6;
}

static void tell_wanted(const struct set *set)
{
    if (set->wanted > 0)
        printf("   wanted: %.1f, of the original %.1f", set->wanted, set->wanted_crate);
    if (set->wanted_mb > 0)
        printf("   wanted: %.0f MB/s", set->wanted_mb);
}

static void tell_peer(const struct set *set, size_t number, const struct measured *result)
{
    const char *name = peers[number].name;
    if (result->refuses) {
        printf("  %-10s %14s\n", name, "refuses");
        return;
    }
    printf("  %-10s %14.1f %8.0f %9.2f %10.4g", name, nanoseconds(set, result),
           megabytes_a_second(set, result), result->times, result->heap_calls);
    if (result->other)
        printf("   other results: %zu of %zu", result->other, set->count);
    if (number == 0)
        tell_wanted(set);
    putchar('\n');
}

void tell_text(const struct set *set, const struct measured *results)
{
    printf("%s: %s\n", set->name, set->title);
    printf("  %-10s %14s %8s %9s %10s\n", "", "ns/expression", "MB/s", "times", "heap calls");
    for (size_t i = 0; peers[i].name; i++)
        tell_peer(set, i, &results[i]);
    for (size_t i = 0; peers[i].name; i++)
        if (!strcmp(peers[i].name, "original") && !results[i].refuses)
            printf("  mexe is %.1f times as fast as the original\n",
                   results[i].seconds / results->seconds);
    putchar('\n');
}

void tell_markdown_head(void)
{
    printf("| expressions | ns each | MB/s | heap calls | times the yardstick | wanted |");
    for (size_t i = 2; peers[i].name; i++)
        printf(" %s |", peers[i].name);
    printf("\n|---|---:|---:|---:|---:|---:|");
    for (size_t i = 2; peers[i].name; i++)
        printf("---:|");
    putchar('\n');
}

/* The first peer in full; the second is the yardstick; of the others only their ratio to it. */
void tell_markdown(const struct set *set, const struct measured *results)
{
    printf("| %s | %.0f | %.0f | %.4g | %.1f |", set->title, nanoseconds(set, results),
           megabytes_a_second(set, results), results->heap_calls, results->times);
    if (set->wanted > 0)
        printf(" %.1f |", set->wanted);
    else if (set->wanted_mb > 0)
        printf(" %.0f MB/s |", set->wanted_mb);
    else
        printf(" |");
    for (size_t i = 2; peers[i].name; i++)
        results[i].refuses ? printf(" refuses |") : printf(" %.2g |", results[i].times);
    putchar('\n');
}
