/* wandering.c - allocates for some time, each time from a stack that was never seen, and as deep as
 * argument 2 says: what is recorded of it takes longer than the program. Argument 1: milliseconds. */
#include <stdlib.h>
#include <time.h>

static unsigned seed = 1;

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void left(int depth);

static void right(int depth)
{
    seed = seed * 1103515245u + 12345u;
    if (depth == 0)
        free(malloc(1009));
    else if (seed >> 16 & 1)
        left(depth - 1);
    else
        right(depth - 1);
    seed++; /* no tail call */
}

static void left(int depth)
{
    right(depth ? depth - 1 : 0);
    seed++;
}

int main(int argc, char **argv)
{
    long until = now_ms() + (argc > 1 ? atol(argv[1]) : 100);
    while (now_ms() < until)
        right(argc > 2 ? atoi(argv[2]) : 100);
    return 0;
}
