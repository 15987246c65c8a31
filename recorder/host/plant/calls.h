/* plant/calls.h - the allocator functions of a file, and those that mark its regions. */
#ifndef RECORDER_HOOK_CALLS_H
#define RECORDER_HOOK_CALLS_H

#include "plans.h"

/* A new hook that wraps the function at `address`, which is called as `w`, and the plan for it; NULL:
 * the function lies in another part of the file than `text`, or there is no room. */
struct plan *plan_wrapper(struct host *h, struct process *p, struct module *m,
                          const struct text *text, uint64_t address, uint64_t size,
                          const struct watched *w, struct plans *plans);

/* Plan the wrappers of the allocator functions that lie in `text`. */
void plan_calls(struct host *h, struct process *p, struct module *m, const struct text *text,
                struct plans *plans);

/* The same of the functions that mark its regions. */
void plan_regions(struct host *h, struct process *p, struct module *m, const struct text *text,
                  struct plans *plans);

/* In words what of the program's own allocator cannot be seen; NULL where both sides of it can. */
const char *hooks_half_blind(const struct process *p);

#endif
