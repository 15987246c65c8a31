/* who.c - which process and thread a number means (who.h). */
#include "who.h"
#include "area/areas.h"
#include "proc/numbers.h"
#include "processes.h"

#include <stddef.h>

#define CLONE_NEWPID 0x20000000 /* linux/sched.h */

void who_forks(struct process *p, uint64_t flags)
{
    p->family->has_others = p->family->has_others || flags & CLONE_NEWPID ||
                            !numbers_of_children_are_ours(p->tracee.pid);
}

/* Whether its memory has the agent where `about`, a process, has it. */
static bool has_its_code(void *about, pid_t pid)
{
    struct tracee memory = {.pid = pid, .mem = -1};
    bool has = tracee_open_memory(&memory) == 0 && process_has_code(about, &memory);
    tracee_close(&memory);
    return has;
}

/* What the identity pages of a process say: they are its own, whoever else has its number. */
static bool has_met(const struct process *p, const struct thread_state *t)
{
    static struct identity_entry entries[IDENTITY_ENTRIES];
    uint64_t at = area_identity(p) + offsetof(struct identity, entries);
    uint64_t state = p->area + THREAD_AT((uint64_t)t->number - 1);
    if (!tracee_read(&p->tracee, at, entries, sizeof entries))
        return false;
    for (size_t i = 0; i < IDENTITY_ENTRIES; i++)
        if (entries[i].state == state)
            return true;
    return false;
}

pid_t who_records(struct host *h, const struct process *known, const struct thread_state *t)
{
    if (!known->family->has_others)
        return (pid_t)t->pid;
    pid_t found = 0;
    for (size_t i = 0; i < h->process_count; i++) {
        const struct process *p = h->processes[i];
        if (p->family != known->family || own_pid_of(p) != t->pid)
            continue;
        if (found == 0 || has_met(p, t))
            found = p->tracee.pid;
    }
    if (found == 0)
        found = number_of_process(t->pid, 0, has_its_code, (void *)known);
    return found ? found : (pid_t)t->pid;
}

uint32_t who_thread(struct host *h, const struct process *p, uint32_t own)
{
    if (p->told == 0)
        return own;
    if (own == p->told)
        return pid_of(p);
    pid_t found = number_of_thread(p->tracee.pid, own);
    return found ? (uint32_t)found : WHO_NAMELESS + ++h->nameless;
}

pid_t who_execs(const struct process *p, uint32_t own)
{
    if (p->family == NULL || !p->family->has_others)
        return (pid_t)own;
    pid_t found = p->told == own ? p->tracee.pid : number_of_thread(p->tracee.pid, own);
    if (found == 0)
        found = number_of_process(own, 0, has_its_code, (void *)p);
    return found ? found : p->told ? 0 : (pid_t)own;
}

pid_t who_was_forked(const struct process *p, uint32_t number)
{
    if (p->told == 0)
        return (pid_t)number;
    return number_of_process(number, p->tracee.pid, has_its_code, (void *)p);
}
