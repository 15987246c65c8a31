/* image.c - a program at its first instruction: what it is; and planting the agent. */
#define _GNU_SOURCE
#include "image.h"
#include "process/mapped.h"
#include "process/lives.h"
#include "plant/calls.h"
#include "proc/status.h"
#include "area/areas.h"
#include "phases/phases.h"
#include "follow.h"
#include "say.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#define CS_64_BIT 0x33 /* __USER_CS, arch/x86/include/asm/segment.h */

static void read_auxv(struct process *p)
{
    char path[32];
    uint64_t pair[2];
    uint64_t vdso = 0;
    p->entry = p->base = p->hwcap2 = 0;
    snprintf(path, sizeof path, "/proc/%d/auxv", p->tracee.pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fread(pair, sizeof pair, 1, file) == 1) {
        if (pair[0] == 9) /* getauxval(3): AT_ENTRY, AT_BASE, AT_HWCAP2, AT_SYSINFO_EHDR */
            p->entry = pair[1];
        else if (pair[0] == 7)
            p->base = pair[1];
        else if (pair[0] == 26)
            p->hwcap2 = pair[1];
        else if (pair[0] == 33)
            vdso = pair[1];
    }
    if (file != NULL)
        fclose(file);
    if (p->tracee.attached)
        tracee_know_vdso(&p->tracee, vdso);
}

static void read_executable(struct process *p)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/%d/exe", p->tracee.pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    free(p->executable);
    p->executable = strdup(path);
}

bool image_is_64_bit(const struct process *p)
{
    struct user_regs_struct regs;
    return ptrace(PTRACE_GETREGS, p->tracee.pid, 0, &regs) == 0 && regs.cs == CS_64_BIT;
}

static void announce_image(struct host *h, struct process *p)
{
    life_image(h, p, h->attached ? h->last_ns : clock_now_ns());
    history_image(h->history, pid_of(p), p->image);
}

bool image_is_filtered(pid_t pid)
{
    return status_number(pid, "Seccomp") != 0;
}

/* A filter that the program has inherited may not let it sleep. But in a container we have one as well,
 * and sleep: filters go from parent to child, nobody loses one, and what was started with us has as many
 * as we (Linux 5.9 tells) only where it has the same. */
static bool has_own_filter(const struct host *h, pid_t pid)
{
    if (!image_is_filtered(pid))
        return false;
    uint64_t ours = h->attached ? 0 : status_number(getpid(), "Seccomp_filters");
    return ours == 0 || status_number(pid, "Seccomp_filters") != ours;
}

static bool has_our(pid_t pid, const char *namespace)
{
    char path[48];
    struct stat ours, its;
    snprintf(path, sizeof path, "/proc/self/ns/%s", namespace);
    if (stat(path, &ours) != 0)
        return true;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, namespace);
    return stat(path, &its) == 0 && its.st_ino == ours.st_ino;
}

bool image_is_at_home(pid_t pid)
{
    char path[32];
    struct stat its, ours;
    snprintf(path, sizeof path, "/proc/%d", pid); /* owned by root where it may not be read */
    bool same_user = stat(path, &its) == 0 && its.st_uid == geteuid();
    snprintf(path, sizeof path, "/proc/%d/root", pid);
    bool same_root = stat(path, &its) == 0 && stat("/", &ours) == 0 && its.st_ino == ours.st_ino &&
                     its.st_dev == ours.st_dev;
    return same_user && same_root && has_our(pid, "mnt") && has_our(pid, "pid");
}

void image_know(struct host *h, struct process *p)
{
    read_executable(p);
    read_auxv(p);
    if (p->executable == NULL || p->executable[0] != 0 || !tracee_is_gone(&p->tracee))
        announce_image(h, p); /* else nothing of it tells any more what it was to run */
}

#define NO_CALLS "no allocator function was found to hook in the first files"

/* It need not ask for it, which a filter may forbid: there is one thread only. */
static void tell_number(const struct process *p)
{
    uint32_t number = own_pid_of(p);
    uint64_t place = area_identity(p) + offsetof(struct identity, pid);
    tracee_write(&p->tracee, place, &number, sizeof number);
}

/* At the first instruction, the process standing still. */
static bool plant(struct host *h, struct process *p)
{
    image_know(h, p);
    if (!image_is_64_bit(p)) {
        snprintf(p->problem, sizeof p->problem, "a 32-bit program");
        return false;
    }
    if (p->hwcap2 >> 1 & 1) /* HWCAP2_FSGSBASE, asm/hwcap2.h */
        p->family->area->thread_by = THREAD_BY_FSBASE;
    p->family->area->may_sleep = !has_own_filter(h, p->tracee.pid);
    if (!areas_make(h, p))
        return false;
    tell_number(p);
    p->family->area->recording = 1;
    struct maps maps;
    if (maps_read(&maps, p->tracee.pid))
        modules_update_by(h, p, &maps);
    phases_begin(h, p, &maps);
    mapped_begin_by(p, &maps);
    maps_free(&maps);
    return true;
}

/* Breakpoints see what is shorter than a jump: as long as nothing has run they can take over. */
static bool is_seen(const struct host *h, struct process *p)
{
    const char *blind = h->may_refuse && p->image == 0 ? hooks_half_blind(p) : NULL;
    if (blind != NULL)
        snprintf(p->problem, sizeof p->problem, "%s", blind);
    return blind == NULL;
}

void image_stood(struct host *h, uint64_t since_ns)
{
    uint64_t held = clock_now_ns() - since_ns;
    h->held_ns += held;
    if (held > h->longest_ns)
        h->longest_ns = held;
}

void image_begin(struct host *h, struct process *p)
{
    uint64_t begun = clock_now_ns(), calls = h->calls;
    p->problem[0] = 0;
    memset(p->own, 0, sizeof p->own);
    bool planted = plant(h, p) && is_seen(h, p);
    image_stood(h, begun);
    if (tracee_is_gone(&p->tracee)) {
        p->problem[0] = 0; /* killed before its first instruction: nothing of it is missed */
    } else if (planted) {
        if (h->calls == calls && p->image == 0)
            say_note(h, NO_CALLS);
        else if (h->calls == calls)
            say_note(h, NO_CALLS " of %s", p->executable ? p->executable : "a program");
    } else {
        p->family->area->recording = 0;
        if (h->may_refuse && p->image == 0)
            kill(p->tracee.pid, SIGKILL); /* nothing of it has run: brkpoint starts anew */
        say_unfollowed(h, p, p->executable ? p->executable : "", p->problem);
    }
    spool_flush(&h->spool);
    tracee_detach(&p->tracee);
}
