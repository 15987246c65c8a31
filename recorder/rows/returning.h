/* rows/returning.h - calls that hand out a block when they return: the one that returns first, first. */
#ifndef BRKPOINT_ROWS_RETURNING_H
#define BRKPOINT_ROWS_RETURNING_H

#include <stdint.h>

struct returning {
    uint64_t ended, seq; /* by these they are told apart */
    uint64_t t_ns, block, size, tid;
    uint32_t group;
};

void returning_put(const struct returning *call);

/* The next one that has returned until then; 0: there is none. */
int returning_take(uint64_t until, struct returning *call);

uint64_t returning_count(void);

#endif
