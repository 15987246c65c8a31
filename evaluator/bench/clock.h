/* clock.h - processor time, on one processor. */
#ifndef CLOCK_H
#define CLOCK_H

/* Seconds that this program has had of the processor: others that had it do not count. */
double seconds(void);

/* Keeps this program on the processor it is on; its number, or -1 where that cannot be. */
int stay_on_one_processor(void);

#endif
