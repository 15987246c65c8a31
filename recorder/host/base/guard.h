/* guard.h - mapped files may be truncated by others: what is gone reads as zeros instead of ending
 * us with SIGBUS.
 */
#ifndef RECORDER_GUARD_H
#define RECORDER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* From now on, in this process. `is_ours`: whether an address is in memory that nobody may cut off; what
 * is gone there ends us all the same. */
void guard_begin(bool (*is_ours)(uint64_t address));
/* How many pages were gone. */
unsigned guard_pages(void);

#endif
