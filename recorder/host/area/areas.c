/* areas.c - the two areas in the target, made by system calls that it is made to execute before
 * its first instruction: the data area, shared with this process, and the code area beside the
 * code that is to be hooked, read-execute, with the agent in it.
 */
#define _GNU_SOURCE /* memfd_create */
#include "areas.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

uint64_t agent_address(const struct host *h, const struct code_area *area, enum agent_entry entry)
{
    const struct code_head *head = (const void *)h->agent;
    return area->address + head->entries[entry];
}

static bool write_agent(struct host *h, struct process *p, struct code_area *area,
                        uint64_t identity)
{
    size_t size = h->agent_size;
    unsigned char *copy = malloc(size);
    if (copy == NULL)
        return false;
    memcpy(copy, h->agent, size);
    struct code_head *head = (struct code_head *)copy;
    head->area = p->area;
    head->identity = identity;
    head->stubs = area->stubs;
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address)
            head->after[i] = agent_address(h, &p->areas[i], AGENT_AFTER);
    bool done = tracee_write(&p->tracee, area->address, copy, size);
    free(copy);
    return done;
}

uint64_t area_identity(const struct process *p)
{
    const struct code_area *first = &p->areas[0];
    return first->stubs + STUBS_ROOM;
}

/* Where data is limited (`ulimit -d`), that is the program's: a mapping that may grow downwards, which
 * this one cannot do, since code lies below it, is no data to the kernel (is_data_mapping, mm/internal.h). */
static int flags_of_identity(pid_t pid)
{
    struct rlimit limit;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    bool limited = prlimit(pid, RLIMIT_DATA, NULL, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return limited ? flags | MAP_GROWSDOWN : flags;
}

/* Where areas_choose wants it. */
static bool map_code(struct process *p, struct code_area *area)
{
    uint64_t size = AGENT_ROOM + STUBS_ROOM, at = area->address;
    bool first = area == &p->areas[0];
    area->address = 0;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    int64_t got = at ? area_remote_map(p, at, size, PROT_READ | PROT_EXEC, flags, -1, 0) : -ENOMEM;
    if (got != (int64_t)at || at == 0)
        return areas_problem(p, "no room for the recorder's code near the program's", got);
    *area = (struct code_area){at, at + AGENT_ROOM, at + size + (first ? IDENTITY_SIZE : 0)};
    if (!first)
        return true;
    flags = flags_of_identity(p->tracee.pid);
    got = area_remote_map(p, at + size, IDENTITY_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    const uint64_t wipe[6] = {at + size, IDENTITY_SIZE, MADV_WIPEONFORK};
    int64_t result = -EIO;
    if (got != (int64_t)(at + size) ||
        !tracee_syscall(&p->tracee, SYS_madvise, wipe, NULL, 0, &result) || result != 0)
        return areas_problem(p, "no memory that a fork wipes (MADV_WIPEONFORK)", result);
    return true;
}

static bool needs_own_area(const struct process *p)
{
    return p->base != 0 && !place_reaches(p->areas[0].address, AGENT_ROOM + STUBS_ROOM, p->entry);
}

static uint64_t anchor_of(const struct process *p)
{
    return p->base ? p->base : p->entry;
}

static bool choose(struct process *p, const struct maps *maps)
{
    uint64_t size = AGENT_ROOM + STUBS_ROOM, at = 0, own = 0;
    memset(p->areas, 0, sizeof p->areas);
    if (maps->list != NULL)
        at = place_code(maps, anchor_of(p), size + IDENTITY_SIZE);
    if (at != 0) {
        p->areas[0] = (struct code_area){at, at + AGENT_ROOM, at + size + IDENTITY_SIZE};
        own = needs_own_area(p) ? place_code(maps, p->entry, size) : 0;
    }
    if (own != 0)
        p->areas[1] = (struct code_area){own, own + AGENT_ROOM, own + size};
    return at != 0;
}

bool areas_choose(struct process *p)
{
    struct maps maps;
    maps_read(&maps, p->tracee.pid);
    bool chosen = choose(p, &maps);
    maps_free(&maps);
    return chosen;
}

bool areas_make(struct host *h, struct process *p)
{
    struct maps maps;
    maps_read(&maps, p->tracee.pid);
    if (p->deferred == NULL)
        choose(p, &maps);
    struct code_area near_program = p->areas[1];
    p->areas[1].address = 0;
    bool has_data = area_map_data(h, p, &maps);
    maps_free(&maps);
    if (!has_data || !map_code(p, &p->areas[0]))
        return false;
    p->areas[1] = near_program;
    if (near_program.address != 0 && !map_code(p, &p->areas[1]))
        p->problem[0] = 0; /* the libraries can be hooked all the same */
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address && !write_agent(h, p, &p->areas[i], area_identity(p)))
            return areas_problem(p, "the program's memory cannot be written", -errno);
    area_tell_size(h, p);
    return tracee_calls_end(&p->tracee);
}

struct code_area *area_near(struct process *p, uint64_t address)
{
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        struct code_area *area = &p->areas[i];
        if (area->address && place_reaches(area->address, AGENT_ROOM + STUBS_ROOM, address))
            return area;
    }
    return NULL;
}

uint64_t stub_address(const struct code_area *area, uint32_t number)
{
    return area->stubs + (uint64_t)number * STUB_SIZE;
}
