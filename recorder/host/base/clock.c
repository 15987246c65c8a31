#include "clock.h"

#include <time.h>
#include <x86intrin.h>

#define FIRST_LINE_NS 200000 /* long enough for a slope good to a thousandth */

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void look(struct clock *clock, int at)
{
    uint64_t before = __rdtsc();
    clock->ns[at] = clock_now_ns();
    clock->tsc[at] = before + (__rdtsc() - before) / 2;
}

void clock_begin(struct clock *clock)
{
    look(clock, 0);
    do
        look(clock, 1);
    while (clock->ns[1] - clock->ns[0] < FIRST_LINE_NS);
}

uint64_t clock_look(struct clock *clock)
{
    struct clock old = *clock;
    look(clock, 1);
    if (clock->tsc[1] - old.tsc[1] < 20000) { /* no line to speak of: keep the longer one */
        *clock = old;
        return old.tsc[1];
    }
    clock->tsc[0] = old.tsc[1];
    clock->ns[0] = old.ns[1];
    return clock->tsc[1];
}

uint64_t clock_ns(const struct clock *clock, uint64_t tsc)
{
    double run = (double)(int64_t)(tsc - clock->tsc[0]);
    double slope = (double)(clock->ns[1] - clock->ns[0]) / (double)(clock->tsc[1] - clock->tsc[0]);
    return clock->ns[0] + (uint64_t)(int64_t)(run * slope);
}
