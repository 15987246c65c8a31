/* unexplained.c - what a process has mapped when it ends, and no call that was seen explains (mapped.h). */
#include "process/mapped.h"
#include "proc/maps.h"
#include "drain/drain.h"
#include "process/lives.h"
#include "phases/phases.h"
#include "unexplained.h"
#include "say.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETTLE_TURNS = 25, SETTLE_US = 2000 };

/* Not what the kernel maps by itself or by other calls: stacks and heaps by their names ([heap] is
 * told by brk), /SYSV of shmat, /[aio], devices. */
static bool is_of_a_call(const struct mapping *m)
{
    static const char *const others[] = {"[", "/SYSV", "/[", "/dev/", "anon_inode:"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(m->path, others[i], strlen(others[i])) == 0)
            return strncmp(m->path, "/dev/shm/", 9) == 0 || strncmp(m->path, "/dev/zero", 9) == 0;
    return true;
}

static void look(struct process *p, struct mapped *m, struct maps *maps)
{
    m->has_ended = maps_read(maps, p->tracee.pid);
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *one = &maps->list[i];
        if (is_ours(p, one->start) || !is_of_a_call(one))
            continue;
        m->failed |= !ranges_add(&m->last, one->start, one->end, 0);
        if (one->executable && one->path[0] == 0)
            m->made_code += one->end - one->start;
    }
}

static uint64_t missing_of(const struct mapped *m)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < m->last.count; i++)
        missing += ranges_missing(&m->known, m->last.list[i].start, m->last.list[i].end);
    return missing;
}

/* The thread that asks stands; another may be about to tell of what it has just mapped. */
void mapped_last(struct host *h, struct process *p, struct maps *maps)
{
    struct mapped *m = p->mapped;
    if (m == NULL || m->has_ended)
        return;
    look(p, m, maps);
    for (unsigned turn = 0; missing_of(m) != 0 && turn < SETTLE_TURNS; turn++) {
        maps_free(maps); /* they change */
        usleep(SETTLE_US);
        drain(h, p, clock_look(&h->clock));
    }
    m->missing = missing_of(m);
}

static void tell_made_code(struct host *h, const struct process *p, uint64_t bytes)
{
    json_begin(&h->json, "made_code");
    json_number(&h->json, "pid", (uint64_t)p->tracee.pid);
    json_number(&h->json, "bytes", bytes);
    spool_json(&h->spool, &h->json);
}

static void tell_missing(struct host *h, const struct process *p, uint64_t bytes)
{
    char whose[32] = "";
    if (p->tracee.pid != h->first)
        snprintf(whose, sizeof whose, "process %d: ", (int)p->tracee.pid);
    say_unseen(h, "syscalls",
               "%s%llu bytes were mapped by system calls that were not seen: in code made at run "
               "time, or through int 0x80",
               whose, (unsigned long long)bytes);
}

/* What it was hooked for has not been seen: then other system calls may not have been, either. */
static void tell_unseen_end(struct host *h, const struct process *p)
{
    int status;
    bool is_planted = p->family != NULL && !p->family->has_others && p->areas[0].address != 0 &&
                      p->problem[0] == 0;
    if (!is_planted || p->has_exited || p->is_unclear || h->leaving || !life_is_over(p) ||
        !life_status(p, &status) || !WIFEXITED(status))
        return;
    say_unseen(h, "syscalls",
               "process %d ended by a system call that was not seen: others may not have been, "
               "either",
               (int)p->tracee.pid);
}

void mapped_end(struct host *h, struct process *p)
{
    const struct mapped *m = p->mapped;
    tell_unseen_end(h, p);
    if (m == NULL || m->failed || !m->has_ended)
        return;
    if (m->missing)
        tell_missing(h, p, m->missing);
    if (m->made_code)
        tell_made_code(h, p, m->made_code);
}
