/* areas.h - the sizes of the areas in the target: for those who make them, and take them away. */
#ifndef RECORDER_AREAS_H
#define RECORDER_AREAS_H

#include "host.h"

#define PAGE UINT64_C(4096)
#define AGENT_ROOM (UINT64_C(64) << 10)
#define STUBS_ROOM ((uint64_t)MAX_HOOKS * STUB_SIZE)

static inline uint64_t page_up(uint64_t value)
{
    return (value + PAGE - 1) & ~(PAGE - 1);
}

#endif
