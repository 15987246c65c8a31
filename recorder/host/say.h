/* say.h - sentences of the recorder about the run, for the report: into the spool, one record each. */
#ifndef RECORDER_SAY_H
#define RECORDER_SAY_H

#include "host.h"

void say_note(struct host *h, const char *format, ...);
/* A note that weakens every count; `kind` is one word for programs: alloctrace/summary/coverage.py. */
void say_unseen(struct host *h, const char *kind, const char *format, ...);
void say_lost(struct host *h, uint64_t count, const char *reason);
/* A whole program that is not recorded; "": its name is not known. */
void say_unfollowed(struct host *h, const struct process *p, const char *program,
                    const char *reason);

#endif
