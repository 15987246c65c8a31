/* records.h - what a record of the ring means; into the history with it. */
#ifndef RECORDER_RECORDS_H
#define RECORDER_RECORDS_H

#include "ring.h"

/* Take the record at the reader's place, whose first word is `word`; of a call only its begin where
 * it ends behind the time stamp `limit`. False where the next one must be waited for. */
bool record_take(struct host *h, struct process *p, struct reader *r, uint64_t word,
                 uint64_t limit);
/* Of the calls at the reader's place those that are over, up to the time stamp `limit`: calls.c;
 * false: there is none. */
bool calls_take(struct host *h, struct process *p, struct reader *r, uint64_t limit);

/* The node of stacks.h that a thread's agent means. */
uint32_t node_of(struct host *h, struct reader *r, uint32_t id);
/* When that was, on the run's clock; 0: no time stamp, it follows the one before. */
uint64_t event_ns(struct host *h, struct reader *r, uint64_t tsc);

#endif
