/* modules.h - the files mapped as code in a process. Each is owned by the processes that have it in their lists. */
#ifndef RECORDER_MODULES_H
#define RECORDER_MODULES_H

#include "host.h"

/* Look at the mappings: what is new is read and announced, what is gone forgotten. */
void modules_look(struct host *h, struct process *p, const struct maps *maps);
/* Whether there is no file that modules_look has not seen. */
bool modules_are_known(struct process *p);
void modules_forget(struct host *h, struct process *p);
/* The one that `address` lies in; NULL: in none. */
struct module *module_around(const struct process *p, uint64_t address);

#endif
