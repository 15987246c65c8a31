/* turn.h - one turn of the host, while the target runs. */
#ifndef RECORDER_TURN_H
#define RECORDER_TURN_H

#include "host.h"

/* Questions answered, records taken out. False: there was nothing to do. */
bool host_turn(struct host *h);

#endif
