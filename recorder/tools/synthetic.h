/* synthetic.h - a made-up program for measuring: malloc and free in a loop. */
#ifndef BRKPOINT_SYNTHETIC_H
#define BRKPOINT_SYNTHETIC_H

#include "host/history/history.h"

struct synthetic {
    uint64_t events;   /* half of them free */
    uint32_t stacks;   /* distinct ones, 31 frames deep */
    uint32_t live;     /* blocks that are live at once, freed in random order; 0: the last one */
    uint32_t ways;     /* not 0: always new stacks, up to so deep, numbered as an agent does */
    uint32_t together; /* not 0: a call and its return are told as one */
};

/* Tells it all to `h`, and says on standard error what an event cost in CPU time. */
void synthesise(struct history *h, const struct synthetic *options);

#endif
