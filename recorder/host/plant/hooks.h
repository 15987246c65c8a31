/* hooks.h - allocator functions, system calls and the beginnings of phases get their detours. */
#ifndef RECORDER_HOOKS_H
#define RECORDER_HOOKS_H

#include "host.h"

/* ---- hooks.c, plant/write.c ---- */
void hooks_plant(struct host *h, struct process *p, struct module *m);
#define NO_HOOK UINT32_MAX
/* Notice that `address` is reached; the number of the hook, or NO_HOOK. */
uint32_t hook_border(struct host *h, struct process *p, uint64_t address, uint64_t border);
/* Put the code back as it was, in this process, unless it is no longer what we wrote; a thread may be in
 * the stub, which goes on leading there. */
void hook_undo(struct process *p, uint32_t number);
/* And the padding that a short jump led to: when nobody can come from there any more. */
void hook_undo_padding(struct process *p, uint32_t number);
/* A stub that notes the border and goes on at `address`; 0 where there is no room. */
uint64_t hook_stub_to(struct host *h, const struct process *p, struct code_area *area,
                      uint64_t address, uint64_t border);
/* Which of its names a call returning to `ret` used: the spool's number of the hook. */
uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret);

#endif
