/* phases.h - the phases of a process: where they begin, and what it was like there. */
#ifndef RECORDER_PHASES_H
#define RECORDER_PHASES_H

#include "host.h"

/* ---- phases/state.c ---- */
/* Memory, faults and mappings of `p` into `json`; its program break. `known`: its mappings, where they
 * were read a moment ago; else NULL. */
uint64_t phase_state(const struct process *p, struct json *json, const struct maps *known);
/* Whether the mapping at `start` of that process is the recorder's own. */
bool is_ours(const struct process *p, uint64_t start);

/* ---- phases/find_main.c ---- */
/* The file that the entry point lies in; NULL: unknown. */
struct module *phase_program(const struct process *p);
/* C's main, known or 0, and with it Rust's. */
void phase_know_main(struct host *h, struct process *p, struct module *program, uint64_t main);

/* ---- phases.c ---- */
void phases_begin(struct host *h, struct process *p, const struct maps *known);
void phases_watch(struct host *h, struct process *p, struct module *m);
/* Of a program that has run for a while: it is in main. */
void phases_attached(struct host *h, struct process *p);
/* what: enum phase_at, and from bit 8 on the module's id. */
struct reached {
    uint64_t what, t_ns, sp;
    uint32_t hook; /* number */
    uint32_t node; /* of stacks.h: whom it returns to */
};
void phase_reached(struct host *h, struct process *p, const struct reached *reached);
/* The C library was handed `main`: what it is to be given instead. */
uint64_t phase_start(struct host *h, struct process *p, uint64_t main, uint32_t hook);
void phase_by_stack(struct host *h, struct process *p, uint32_t node, uint64_t t_ns);
void phase_exit(struct host *h, struct process *p, uint64_t t_ns, bool whole);

#endif
