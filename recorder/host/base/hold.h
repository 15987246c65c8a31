/* hold.h - a stopped thread of the target is being changed: that must be completed first, whoever
 * wants us to end. */
#ifndef RECORDER_HOLD_H
#define RECORDER_HOLD_H

/* From here to the same number of hold_ends. */
void hold_begins(void);
void hold_ends(void);
_Bool hold_is_on(void);
/* In a signal's handler: exit with status 3, now or at the last hold_ends. It returns where something is
 * held, once: a second time nothing is waited for. */
void hold_or_exit(void);

#endif
