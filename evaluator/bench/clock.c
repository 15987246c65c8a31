/* clock.c - the clock, and staying where we are; clock.h. */
#define _GNU_SOURCE
#include <sched.h>
#include <time.h>

#include "clock.h"

double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int stay_on_one_processor(void)
{
    cpu_set_t set;
    int processor = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(processor < 0 ? 0 : (size_t)processor, &set);
    return sched_setaffinity(0, sizeof set, &set) ? -1 : processor;
}
