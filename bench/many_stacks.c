/* many_stacks.c - what an interpreter or a compiler does: malloc and free at the end of many ways.
 *
 * many_stacks PAIRS WAYS: PAIRS pairs of malloc and free, spread over WAYS ways (at most 4^9) through
 * four functions that call each other, nine levels deep; each way gives two stacks. It goes a way a
 * few times, then another one.
 */
#include <stdlib.h>

enum { LEVELS = 9, IN_A_ROW = 5 };

static volatile int sink;
static void *volatile block;

static void step(long way, int level);

__attribute__((noinline)) static void leaf(long way)
{
    for (int i = 0; i < IN_A_ROW; i++) {
        block = malloc(16 + (size_t)(way & 7) * 8);
        free(block);
    }
    sink++;
}

#define NODE(name)                                                                                 \
    __attribute__((noinline)) static void name(long way, int level)                                \
    {                                                                                              \
        step(way, level);                                                                          \
        sink++; /* so that no call is the last */                                                  \
    }
NODE(add)
NODE(multiply)
NODE(call)
NODE(index)

__attribute__((noinline)) static void step(long way, int level)
{
    static void (*const nodes[])(long, int) = {add, multiply, call, index};
    if (level == 0)
        leaf(way);
    else
        nodes[way >> 2 * (level - 1) & 3](way, level - 1);
    sink++;
}

int main(int argc, char **argv)
{
    long pairs = argc == 3 ? atol(argv[1]) : 0, ways = argc == 3 ? atol(argv[2]) : 0;
    if (pairs < 1 || ways < 1 || ways > 1L << 2 * LEVELS)
        return 2;
    for (long done = 0, way = 0; done < pairs; done += IN_A_ROW) {
        step(way, LEVELS);
        way = (way + 7919) % ways;
    }
    return 0;
}
