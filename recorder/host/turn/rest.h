/* rest.h - the time between two looks at the ring. */
#ifndef RECORDER_REST_H
#define RECORDER_REST_H

#include "host.h"

/* Nothing is to be done for a while; `busy`: there was something just now. */
void host_rest(struct host *h, bool busy);
/* From now on a thread that stops for ptrace ends a rest; the number that did until now. */
void rest_prepare(void);
uint32_t rest_stops(void);

#endif
