/* clock.h - from the processor's time stamp counter to CLOCK_MONOTONIC, in nanoseconds.
 *
 * Between two looks at both clocks a straight line is as good as they are; each stamp is converted
 * on the line whose ends lie around it, so that order is kept.
 */
#ifndef RECORDER_CLOCK_H
#define RECORDER_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t tsc[2], ns[2]; /* the last two looks */
};

void clock_begin(struct clock *clock);
/* Look again. Returns the counter: every stamp taken before now is at most that. */
uint64_t clock_look(struct clock *clock);
/* CLOCK_MONOTONIC at the stamp; a stamp between the last two looks, or near them. */
uint64_t clock_ns(const struct clock *clock, uint64_t tsc);
uint64_t clock_now_ns(void);

#endif
