/* guard.h - files that are mapped may be cut off by others meanwhile: what is gone reads as zeros, in
 * place of ending us by SIGBUS.
 */
#ifndef RECORDER_GUARD_H
#define RECORDER_GUARD_H

/* From now on, in this process. */
void guard_begin(void);
/* How many pages were gone. */
unsigned guard_pages(void);

#endif
