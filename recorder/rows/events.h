/* rows/events.h - a chunk of a trace's events as columns of numbers: docs/trace-format.md, "Events". */
#ifndef BRKPOINT_ROWS_EVENTS_H
#define BRKPOINT_ROWS_EVENTS_H

#include "contract_history.h"
#include "wire.h"

struct events {
    uint64_t first; /* number of the event in row 0 */
    uint32_t count;
    uint32_t held;             /* bits: columns that were told */
    uint64_t *column[COLUMNS]; /* ROWS_CHUNK each; what was not told is zeros */
};

/* `wanted`: bits of the columns that will be told. */
struct events *events_new(uint32_t wanted);

/* Unpack a chunk, and put in what became known later. What a reader could stumble over is damage, and
 * ends the program: groups beyond `groups`, numbers below the least that there can be. */
void events_read(struct events *events, struct cursor *from, uint64_t groups);

#endif
