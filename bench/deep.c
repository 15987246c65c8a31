/* deep.c - what bench/engine_cost.py compares: an empty stop, and recorded calls.
 *
 * deep BLOCKS DEPTH FILE: BLOCKS times, DEPTH frames below main: calls marker(), malloc(), free()
 * and calloc() 17 times each, and writes the nanoseconds of these four loops to a line of FILE.
 * In turns, so that all four meet the same machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { EACH = 17 };

static volatile int sink;
static void *kept[EACH];

__attribute__((noinline)) void marker(void)
{
    sink++;
}

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void block(FILE *file)
{
    long times[5] = {now()};
    for (int i = 0; i < EACH; i++)
        marker();
    times[1] = now();
    for (int i = 0; i < EACH; i++)
        kept[i] = malloc(13);
    times[2] = now();
    for (int i = 0; i < EACH; i++)
        free(kept[i]);
    times[3] = now();
    for (int i = 0; i < EACH; i++)
        kept[i] = calloc(13, 1);
    times[4] = now();
    for (int i = 0; i < EACH; i++)
        free(kept[i]);
    for (int i = 1; i < 5; i++)
        fprintf(file, "%ld%c", times[i] - times[i - 1], i < 4 ? ' ' : '\n');
}

__attribute__((noinline)) static void work(int depth, int blocks, FILE *file)
{
    if (depth > 0) {
        work(depth - 1, blocks, file);
        sink++;
        return;
    }
    for (int i = 0; i < blocks; i++)
        block(file);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 4 ? fopen(argv[3], "w") : 0;
    if (!file)
        return 2;
    work(atoi(argv[2]), atoi(argv[1]), file);
    return ferror(file) || fclose(file);
}
