/* agent_floor.c - the least that an event of an agent in the target can cost: compare each return
 * address of the stack with the remembered one, and store 16 bytes; every 16th time a time stamp.
 * No register is saved, nothing is looked up, and the stack is always the remembered one.
 *
 *     agent_floor EVENTS FRAMES
 *
 * Prints nanoseconds of CPU an event, the least of five loops.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIES 5
#define MOST 64
#define CELLS (1 << 14) /* as much as stays in the cache of a processor */

static uint64_t ring[CELLS][2], returns[MOST];
static const uint64_t *slots[MOST];
static int frames;
static long events;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static __attribute__((noinline)) void event(long number, uint64_t what)
{
    for (int i = 0; i < frames; i++)
        if (*(const volatile uint64_t *)slots[i] != returns[i])
            abort();
    uint64_t *cell = ring[number % CELLS];
    cell[0] = what;
    cell[1] = number % 16 ? 0 : __builtin_ia32_rdtsc();
}

static __attribute__((noinline)) int measure(void)
{
    double least = 1e30;
    for (int try = 0; try < TRIES; try++) {
        double start = now_ns();
        for (long i = 0; i < events; i++)
            event(i, (uint64_t)i);
        double spent = (now_ns() - start) / (double)events;
        least = spent < least ? spent : least;
    }
    printf("%.1f\n", least);
    return 0;
}

static int (*volatile target)(void) = measure;

/* Each frame keeps where its return address is: what a stack's remembered node tells. */
static __attribute__((noinline)) int descend(int left)
{
    slots[left - 1] = (const uint64_t *)__builtin_frame_address(0) + 1;
    returns[left - 1] = *slots[left - 1];
    int found = left > 1 ? descend(left - 1) : target();
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    events = atol(argv[1]);
    frames = atoi(argv[2]);
    return events < 1 || frames < 1 || frames > MOST ? 2 : descend(frames);
}
