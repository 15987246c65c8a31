/* rows/modes.h - what can be made of a trace's events. Each is told what it needs to know, then chunk
 * by chunk, and says at the end what Python writes. exports/ has the same in Python, and its bytes are
 * the measure: tests/test_export_maker.py.
 */
#ifndef BRKPOINT_ROWS_MODES_H
#define BRKPOINT_ROWS_MODES_H

#include "events.h"

struct mode {
    const char *name;
    uint32_t columns; /* bits */
    void (*begin)(struct cursor *told);
    void (*chunk)(const struct events *now, const struct events *before); /* NULL: none yet */
    void (*finish)(void);
};

extern const struct mode mode_rows, mode_slices, mode_heaptrack, mode_places, mode_threads;

extern uint64_t groups; /* their ids are 1 to this */

#endif
