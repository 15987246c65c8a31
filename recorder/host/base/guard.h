/* guard.h - files that are mapped may be cut off by others meanwhile: what is gone reads as zeros, in
 * place of ending us by SIGBUS.
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
