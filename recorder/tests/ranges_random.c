/* ranges_random.c SEED - ranges.h beside a page table that is an array: random additions, removals and
 * questions, told in times that overlap. Prints the number of differences. */
#include "host/base/ranges.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGES = 256, TIMES = 20000 };

int main(int argc, char **argv)
{
    struct ranges set = {0};
    static uint64_t since[PAGES]; /* 0: not there */
    unsigned wrong = 0;
    srandom(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
    for (uint64_t now = 20; now < TIMES; now++) {
        uint64_t start = (uint64_t)random() % PAGES, end = (uint64_t)random() % (PAGES + 1);
        uint64_t until = now - (uint64_t)random() % 20, missing = 0;
        int adds = random() % 2;
        if (adds ? !ranges_add(&set, start, end, until) : !ranges_remove(&set, start, end, until))
            wrong++;
        for (uint64_t at = start; at < end; at++)
            since[at] = adds                ? (since[at] > until ? since[at] : until)
                        : since[at] > until ? since[at]
                                            : 0;
        start = (uint64_t)random() % PAGES;
        end = start + (uint64_t)random() % (PAGES - start + 1);
        for (uint64_t at = start; at < end; at++)
            missing += since[at] == 0;
        wrong += ranges_missing(&set, start, end) != missing;
    }
    for (uint64_t at = 0; at < PAGES; at++)
        wrong += ranges_missing(&set, at, at + 1) != (since[at] == 0);
    ranges_free(&set);
    printf("%u\n", wrong);
    return 0;
}
