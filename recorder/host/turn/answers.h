/* answers.h - what threads of the target ask. */
#ifndef RECORDER_ANSWERS_H
#define RECORDER_ANSWERS_H

#include "host.h"

/* To all threads that share `p`'s data area. */
void answers_give(struct host *h, struct process *p);

#endif
