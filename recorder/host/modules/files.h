/* modules/files.h - the file behind a mapping of code, and whether memory has its bytes. */
#ifndef RECORDER_MODULE_FILES_H
#define RECORDER_MODULE_FILES_H

#include "host.h"

/* Open the file of `m`, whose first mapping is `first`; m->has_elf: it was found. */
void module_open(struct host *h, const struct process *p, struct module *m,
                 const struct mapping *first);
void module_close(struct host *h, struct module *m);
/* Whether its code in memory may be, and is, other than the file's. */
bool module_has_own_code(const struct process *p, const struct module *m,
                         const struct mapping *first);

#endif
