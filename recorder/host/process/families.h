/* families.h - slices of the memory file: one for a program and the children that it forks. */
#ifndef RECORDER_FAMILIES_H
#define RECORDER_FAMILIES_H

#include "host.h"

/* A slice that nobody uses; NULL: there is none, or no memory. */
struct family *family_new(struct host *h);
/* One process fewer uses it; with the last one its slice is free. NULL is allowed. */
void family_leave(struct host *h, struct family *f);

#endif
