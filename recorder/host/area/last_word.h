/* last_word.h - the target is told that we have died, however we did: by the kernel (set_robust_list(2)). */
#ifndef RECORDER_LAST_WORD_H
#define RECORDER_LAST_WORD_H

#include "host.h"

/* The families' areas are others now: in each the target sees it. */
void last_word_prepare(struct host *h);

#endif
