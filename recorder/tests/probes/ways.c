/* ways.c TIMES - deep calls, another way down each time, as in a parser or an interpreter: stacks that
 * are always new. Prints how often it called malloc and free, and how many calls deep it was in all. */
#include <stdio.h>
#include <stdlib.h>

static unsigned seed = 1;
static void *kept;
static long calls, depth;

static unsigned next(void)
{
    seed = seed * 1103515245u + 12345u;
    return seed >> 16;
}

#define WAY(n)                                                                                     \
    case n:                                                                                        \
        down(left - 1, deep + 1);                                                                  \
        __asm__ volatile(".skip " #n "+1, 0x90");                                                  \
        break;

static void down(int left, int deep)
{
    if (left <= 0) {
        free(kept);
        kept = malloc(17);
        calls += 1;
        depth += deep;
        return;
    }
    switch (next() % 8) {
        WAY(0) WAY(1) WAY(2) WAY(3) WAY(4) WAY(5) WAY(6) WAY(7)
    }
}

int main(int argc, char **argv)
{
    for (long times = argc > 1 ? atol(argv[1]) : 100; times > 0; times--)
        down(10 + (int)(next() % 230), 0);
    char text[64];
    setvbuf(stdout, text, _IOFBF, sizeof text);
    printf("%ld %ld\n", calls, depth);
    return 0;
}
