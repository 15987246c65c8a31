/* areas.h - the areas in the target: the data area, shared with this process, and one or two of code, with
 * the agent and the stubs. Addresses are those in the target.
 */
#ifndef RECORDER_AREAS_H
#define RECORDER_AREAS_H

#include "host.h"

#define PAGE UINT64_C(4096)
#define AGENT_ROOM (UINT64_C(64) << 10)
#define STUBS_ROOM ((uint64_t)MAX_HOOKS * STUB_SIZE)

static inline uint64_t page_up(uint64_t value)
{
    return (value + PAGE - 1) & ~(PAGE - 1);
}

/* At the first instruction of a program: both areas into it. False: p->problem says why not. */
bool areas_make(struct host *h, struct process *p);
/* Of a process that runs: only choose where the code will be; areas_make keeps to it. */
bool areas_choose(struct process *p);
/* The same process stands again: unmap them. `keep`: a bit for each code area of which the page
 * stays that open calls return through. False: it could not be done. */
bool areas_take_away(struct host *h, struct process *p, unsigned keep);
bool areas_hold(const struct code_area *area, uint64_t address);
/* A code area from which `address` can be reached; NULL where there is none. */
struct code_area *area_near(struct process *p, uint64_t address);
/* Address of the identity pages. */
uint64_t area_identity(const struct process *p);
/* Addresses of the agent's entries in that area. */
enum agent_entry { AGENT_ENTRY, AGENT_AFTER, AGENT_ANY, AGENT_BEHIND, AGENT_ENTRIES };
uint64_t agent_address(const struct host *h, const struct code_area *area, enum agent_entry entry);
uint64_t stub_address(const struct code_area *area, uint32_t number);

/* The process is about to limit its address space, as ASK_LIMIT tells: what of the data area must go
 * first, a piece at a time (address, size; 0: no more). */
void area_makes_room(struct host *h, struct process *p, const uint64_t told[2], uint64_t piece[2]);

/* ---- for the files that make them ---- */
/* What cannot be done, into p->problem; `result`: the negative errno, or 0. Returns false. */
bool areas_problem(struct process *p, const char *what, int64_t result);
/* mmap(2) in the target: the address, or a negative errno. */
int64_t area_remote_map(struct process *p, uint64_t at, uint64_t size, int prot, int flags, int fd,
                        uint64_t from);
/* Whether that is an address. */
bool area_is_address(int64_t result);
/* The run's memory file as a descriptor in the target, which stands at its first instruction; or a
 * negative errno (area/receive.c). */
int64_t area_receive(struct host *h, struct process *p);
/* A memory file that the target has made, and that is the run's from now on: its descriptor in the
 * target, or a negative errno. */
int64_t area_offer(struct host *h, struct process *p);
/* It is not needed after all. */
void area_withdraw(struct host *h, struct process *p);
/* The data area into the target; false: p->problem says why not. */
bool area_map_data(struct host *h, struct process *p, const struct maps *maps);
/* A note where it is smaller than it may be. */
void area_tell_size(struct host *h, const struct process *p);

#endif
