/* tables.h - put unwind tables into the data area, where the agent reads them (unwind_format.h). */
#ifndef RECORDER_TABLES_H
#define RECORDER_TABLES_H

#include "host.h"

/* The rows of `m`, once. */
void tables_add(struct host *h, const struct process *p, struct module *m);
/* A list of all of `p` that have rows, which holds from now on. */
void tables_publish(struct process *p, const struct maps *maps);

#endif
