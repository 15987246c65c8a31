/* many_stacks.c - what an interpreter or a compiler does: malloc and free at the end of many ways.
 *
 * many_stacks PAIRS WAYS: PAIRS pairs of malloc and free, spread over WAYS ways (at most 4^9) through
 * four functions that call each other, nine levels deep; each way gives two stacks. It goes a way a
 * few times, then another one.
 */
#include <stdlib.h>

#include "../recorder/tests/probes/many_ways.h"

enum { IN_A_ROW = 5 };

static void *volatile block;

__attribute__((noinline)) static void leaf(long way)
{
    for (int i = 0; i < IN_A_ROW; i++) {
        block = malloc(16 + (size_t)(way & 7) * 8);
        free(block);
    }
    sink++;
}

int main(int argc, char **argv)
{
    long pairs = argc == 3 ? atol(argv[1]) : 0, ways = argc == 3 ? atol(argv[2]) : 0;
    if (pairs < 1 || ways < 1 || ways > ALL_WAYS)
        return 2;
    for (long done = 0, way = 0; done < pairs; done += IN_A_ROW) {
        step(way, LEVELS);
        way = (way + APART) % ways;
    }
    return 0;
}
