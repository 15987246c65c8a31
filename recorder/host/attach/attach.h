/* attach.h - all threads of a process are stopped, and go on: planting, and the way back. */
#ifndef RECORDER_ATTACH_H
#define RECORDER_ATTACH_H

#include "host.h"
#include "ptrace/threads.h"

/* Its program has run for a while: all threads are stopped, planted, and let go. False:
 * p->problem says why not, and it goes on as before. */
bool image_attach(struct host *h, struct process *p);
/* Stop them; the tracee can be made to execute system calls. False: threads->problem says why not. */
bool attach_stop(struct host *h, struct process *p, struct threads *threads, uint64_t *begun);
/* Only that; where one does not stop, all run on for a moment, and it is tried again for some seconds. */
bool attach_stop_threads(struct host *h, struct process *p, struct threads *threads,
                         uint64_t *begun);
/* Let them go; the time since `begun` counts as one stop. */
void attach_go_on(struct host *h, struct process *p, struct threads *threads, uint64_t begun);
/* It runs on for so long; what it asks is answered meanwhile. */
void attach_rest(struct host *h, unsigned us);

/* unplant.c */
/* Take the code out of `p`, and let it go on. What could not be taken out only
 * passes through, and a note says so. */
void unplant(struct host *h, struct process *p);

#endif
