/* ring_file.h - a ring in a file: this head, the beginning of each thread's state, then chunks.
 * ring_take.c takes one from a run, ring_fuzz.c drains it. */
#ifndef RECORDER_RING_FILE_H
#define RECORDER_RING_FILE_H

#include "shared.h"

#include <stdbool.h>
#include <stddef.h>

#define RING_MAGIC UINT64_C(0x474e495253554f59)
#define RING_THREADS 4u
#define RING_CHUNKS 12u
#define RING_HOOKS 64u
#define RING_STATE offsetof(struct thread_state, buckets) /* bytes of it */

struct ring_file {
    uint64_t magic;
    uint32_t threads, chunks, pid, clock;
};

/* Those that are hooks; of the others some are asked for as well. */
static inline int ring_has_hook(unsigned number)
{
    return number % 7 != 0 && number < RING_HOOKS;
}

#endif
