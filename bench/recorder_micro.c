/* recorder_micro.c - malloc and free in a loop, at a chosen depth, on one or more threads.
 *
 * recorder_micro PAIRS FRAMES THREADS: each thread makes PAIRS pairs with FRAMES return addresses
 * on the stack. Prints the nanoseconds of CPU and of wall time that the loops took.
 *
 * Each frame does something after its call and calls through memory, so that none is merged.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define START_FRAMES 4 /* main, and three of the C library's below it */

static long pairs;
static int frames;

__attribute__((noinline)) static void loop(int depth);
static void (*volatile next)(int) = loop;
static _Thread_local volatile int sink;
static _Thread_local void *volatile block;

static void loop(int depth)
{
    if (depth > 1) {
        next(depth - 1);
        sink++;
        return;
    }
    for (long i = 0; i < pairs; i++) {
        block = malloc(13 + (i & 3) * 16);
        free(block);
    }
}

static void *thread(void *nothing)
{
    next(frames - 2); /* pthreads has two frames below this one, main has START_FRAMES */
    sink++;
    return nothing;
}

static long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int threads = atoi(argv[3]);
    pthread_t others[64];
    pairs = atol(argv[1]);
    frames = atoi(argv[2]);
    if (threads < 1 || threads > 64 || frames <= START_FRAMES)
        return 2;
    long cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    for (int i = 1; i < threads; i++)
        if (pthread_create(&others[i], NULL, thread, NULL) != 0)
            return 1;
    next(frames - START_FRAMES);
    for (int i = 1; i < threads; i++)
        pthread_join(others[i], NULL);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return printf("%ld %ld\n", cpu, now(CLOCK_MONOTONIC) - wall) < 0;
}
