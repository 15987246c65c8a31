/* rows/lifetimes.h - blocks through time: what happened to each, by the rules of exports/lifetimes.py. */
#ifndef BRKPOINT_ROWS_LIFETIMES_H
#define BRKPOINT_ROWS_LIFETIMES_H

#include "events.h"

enum what { ALLOCATED, FREED, TEMPORARY, RESIZED };

struct happened {
    enum what what;
    uint32_t group; /* of the block */
    uint64_t t_ns;
    uint64_t size;
    uint64_t born; /* when the block began; of RESIZED the size before */
    uint64_t tid;  /* which thread asked for the block */
};

enum {
    LIFETIMES = 1u << PRESENT | 1u << GROUP | 1u << T_NS | 1u << DUR_NS | 1u << TID | 1u << SIZE |
                1u << NMEMB | 1u << PTR | 1u << RESULT | 1u << BLOCK | 1u << OUTER,
};

/* `take` hears all that happens, in its order. */
void lifetimes_begin(struct cursor *told, void (*take)(const struct happened *));
void lifetimes_chunk(const struct events *now, const struct events *before);
void lifetimes_finish(void);

/* Whether events of a group may begin a block. */
int lifetimes_allocates(uint64_t group);

#endif
