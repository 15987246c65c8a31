/* deep.c - the two loops that bench/engine_cost.py compares: an empty stop, and a recorded call.
 *
 * deep COUNT DEPTH FILE: calls marker() COUNT times, then malloc() COUNT times, DEPTH frames below
 * main, and writes the nanoseconds of each loop to FILE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile int sink;
static void *volatile block;

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

__attribute__((noinline)) static void work(int depth, int count, long ns[2])
{
    if (depth > 0) {
        work(depth - 1, count, ns);
        sink++;
        return;
    }
    long start = now();
    for (int i = 0; i < count; i++)
        marker();
    long middle = now();
    for (int i = 0; i < count; i++)
        block = malloc(13);
    ns[0] += middle - start;
    ns[1] += now() - middle;
}

int main(int argc, char **argv)
{
    long ns[2] = {0, 0};
    if (argc != 4)
        return 2;
    work(atoi(argv[2]), atoi(argv[1]), ns);
    FILE *file = fopen(argv[3], "w");
    return !file || fprintf(file, "%ld %ld\n", ns[0], ns[1]) < 0 || fclose(file);
}
