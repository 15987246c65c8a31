/* attach.c - plant into a running process: all its threads are stopped, the agent is planted, and they
 * go on. Files are read and all is planned beforehand, so they are stopped for the writing only.
 */
#include "area/areas.h"
#include "attach.h"
#include "program/image.h"
#include "ptrace/inject.h"
#include "process/mapped.h"
#include "process/lives.h"
#include "plant/plans.h"
#include "stopped/standing.h"
#include "proc/status.h"
#include "base/hold.h"
#include "modules/modules.h"
#include "phases/phases.h"
#include "program/follow.h"
#include "turn/turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OUR_MEMORY "/memfd:brkpoint-recorder"
#define HAS_EXECED "it has just begun another program: try again"
#define TRIES 3 /* to stop it at a moment when it has no new files */
#define REST_US 500
#define EXEC_US 500000
#define STOP_NS UINT64_C(5000000000) /* of a thread that does not stop: vfork, a disk */
#define FIRST_PATIENCE_MS 20
#define MORE_PATIENCE_MS 10
#define STOP_REST_US 10000
#define ROUNDS 10 /* to stop it at moments when nobody stands where a jump is to be written */

static bool problem(struct process *p, const char *what)
{
    snprintf(p->problem, sizeof p->problem, "%s", what);
    return false;
}

static bool tell_threads(struct process *p, const struct threads *threads)
{
    snprintf(p->problem, sizeof p->problem, "%s (thread %d%s%s)", threads->problem,
             (int)threads->culprit, errno ? ": " : "", errno ? strerror(errno) : "");
    return false;
}

/* KiB that it has locked into memory; its threads stand. */
static uint64_t locked(pid_t pid)
{
    return status_number(pid, "VmLck");
}

/* The areas are large, and mostly never touched: the kernel must not fill them at once. */
static bool may_map(struct process *p)
{
    const uint64_t map[6] = {0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
    int64_t at = -1, ignored;
    struct tracee *t = &p->tracee;
    uint64_t before = locked(t->pid);
    if (!tracee_syscall(t, SYS_mmap, map, NULL, 0, &at) || (at < 0 && at > -4096))
        return problem(p, "it cannot be made to map memory");
    bool locks = locked(t->pid) > before;
    const uint64_t unmap[6] = {(uint64_t)at, 4096};
    tracee_syscall(t, SYS_munmap, unmap, NULL, 0, &ignored);
    return !locks || problem(p, "it locks all that it maps into memory (mlockall)");
}

/* Contexts that would go on in the middle of a jump; and what looks like an address in our code. */
static void find_saved(const struct process *p, struct standing *standing,
                       const struct threads *threads, const struct plans *planned)
{
    size_t count = 0;
    struct range *ranges = calloc(MAX_AREAS + planned->count, sizeof *ranges);
    for (size_t i = 0; ranges != NULL && i < MAX_AREAS; i++)
        if (p->areas[i].address)
            ranges[count++] =
                (struct range){p->areas[i].address, p->areas[i].stubs + STUBS_ROOM, false};
    for (size_t i = 0; ranges != NULL && i < planned->count; i++)
        ranges[count++] = moved_range(&planned->list[i].moved);
    if (ranges != NULL)
        standing_find_saved(standing, threads, ranges, count);
    else
        standing->saved.gave_up = true;
    free(ranges);
}

static void keep_saved(struct family *f, struct standing *standing)
{
    f->before = calloc(1, sizeof *f->before);
    if (f->before == NULL)
        return;
    *f->before = standing->saved;
    standing->saved = (struct saved){0};
}

/* All threads stand. */
static bool plant(struct host *h, struct process *p, const struct threads *threads)
{
    if (!image_is_64_bit(p))
        return problem(p, "a 32-bit program");
    if (image_is_filtered(p->tracee.pid))
        return problem(p, "a seccomp filter watches its system calls, and may forbid or punish "
                          "those that planting needs");
    if (!inject_prepare(&p->tracee))
        return problem(p, "no system call instruction in its code");
    if (!may_map(p))
        return false;
    if (p->hwcap2 >> 1 & 1) /* HWCAP2_FSGSBASE, asm/hwcap2.h */
        p->family->area->thread_by = THREAD_BY_FSBASE;
    p->family->area->may_sleep = 1;
    if (threads->count > 1 && p->family->area->clock > 1)
        p->family->area->clock = CLOCK_ORDER;
    if (!areas_make(h, p)) {
        areas_take_away(h, p, 0);
        return false;
    }
    struct plans *planned = p->deferred;
    struct standing standing;
    p->deferred = NULL;
    standing_find(&standing, h, p, threads, NULL);
    p->standing = &standing;
    if (standing.maps.list != NULL)
        modules_update_by(h, p, &standing.maps);
    find_saved(p, &standing, threads, planned);
    plans_write(h, p, planned);
    p->standing = NULL;
    keep_saved(p->family, &standing);
    standing_free(&standing);
    p->family->area->recording = 1;
    return true;
}

/* Of a recorder that is at work, or that could not take it out: two would see each other's. */
static bool has_other_code(const struct process *p)
{
    struct maps maps;
    bool has = false;
    if (maps_read(&maps, p->tracee.pid))
        for (size_t i = 0; i < maps.count && !has; i++)
            has = strncmp(maps.list[i].path, OUR_MEMORY, sizeof OUR_MEMORY - 1) == 0;
    maps_free(&maps);
    return has;
}

/* It may have exec'd while its files were read: our view of its memory is then of nothing. */
static bool is_same_program(const struct process *p)
{
    uint8_t byte;
    return tracee_read(&p->tracee, p->base ? p->base : p->entry, &byte, 1);
}

/* ---- stopping it ---- */

/* On a busy machine a stop lasts as long as we wait for our turn. Only root may ask for that. */
static void hurry(bool now)
{
    static int before;
    errno = 0;
    if (now)
        before = getpriority(PRIO_PROCESS, 0);
    if (errno == 0)
        setpriority(PRIO_PROCESS, 0, now ? -20 : before);
    errno = 0;
}

bool attach_stop_threads(struct host *h, struct process *p, struct threads *threads,
                         uint64_t *begun)
{
    uint64_t until = clock_now_ns() + STOP_NS;
    for (threads->patience_ms = FIRST_PATIENCE_MS;; threads->patience_ms += MORE_PATIENCE_MS) {
        *begun = clock_now_ns();
        if (threads_stop(threads, p->tracee.pid))
            return true;
        if (!threads->waits || clock_now_ns() > until)
            break;
        image_stood(h, *begun);
        if (p->area != 0) /* a child that has its memory until it execs may be asking something */
            attach_rest(h, STOP_REST_US);
    }
    int error = errno;
    threads_let_go(threads);
    errno = error;
    return false;
}

bool attach_stop(struct host *h, struct process *p, struct threads *threads, uint64_t *begun)
{
    struct tracee *t = &p->tracee;
    hurry(true);
    if (!attach_stop_threads(h, p, threads, begun)) {
        int error = errno;
        hurry(false);
        errno = error;
        return false;
    }
    hold_begins();
    t->runner = threads_runner(threads);
    t->attached = true;
    p->searched_before = h->known.searched;
    return true;
}

void attach_go_on(struct host *h, struct process *p, struct threads *threads, uint64_t begun)
{
    tracee_calls_end(&p->tracee);
    p->tracee.attached = false;
    p->tracee.runner = 0;
    threads_let_go(threads);
    h->searched_standing += h->known.searched - p->searched_before;
    image_stood(h, begun);
    hurry(false);
    hold_ends();
}

void attach_rest(struct host *h, unsigned us)
{
    /* Threads that are about to exec are traced by us already. */
    for (unsigned rested = 0; rested < us || (h->executing > 0 && rested < us + EXEC_US);
         rested += REST_US) {
        host_turn(h);
        usleep(REST_US);
    }
}

static void plant_again(struct host *h, struct process *p, struct plans *planned,
                        const struct threads *threads)
{
    struct standing standing;
    standing_find(&standing, h, p, threads, NULL);
    if (p->family->before != NULL &&
        !p->family->before->gave_up) /* else once more would tell no more */
        find_saved(p, &standing, threads, planned);
    p->standing = &standing;
    plans_write(h, p, planned);
    p->standing = NULL;
    standing_free(&standing);
}

/* Where somebody stood in the bytes, and could not be moved: he runs on, and it is tried again. False:
 * it has begun another program meanwhile, which has been planted by itself. */
static bool plant_rest(struct host *h, struct process *p, struct plans *planned)
{
    uint32_t image = p->image;
    for (unsigned round = 1; planned->count > 0 && round <= ROUNDS; round++) {
        struct threads threads = {0};
        uint64_t begun;
        attach_rest(h, round * 1000);
        if (p->image != image || !attach_stop(h, p, &threads, &begun))
            break;
        if (p->image == image && is_same_program(p))
            plant_again(h, p, planned, &threads);
        attach_go_on(h, p, &threads, begun);
    }
    if (p->image == image && !life_is_over(p))
        plans_give_up(h, p, planned);
    return p->image == image;
}

/* All stand, and nothing is left to be read or searched. Where it loads files just now, they are
 * looked into while it runs again. */
static bool stop_prepared(struct host *h, struct process *p, struct threads *threads,
                          uint64_t *begun)
{
    for (unsigned round = 0;; round++) {
        if (!attach_stop(h, p, threads, begun))
            return false;
        if (round == TRIES || modules_are_known(p))
            return true;
        attach_go_on(h, p, threads, *begun);
        modules_plan(h, p);
    }
}

/* A process of another user or in a container makes the memory file (area_offer): before all that is
 * to be written into it. */
static bool stop_for_memory(struct host *h, struct process *p, struct threads *threads)
{
    uint64_t begun;
    if (image_is_at_home(p->tracee.pid))
        return true;
    if (!attach_stop(h, p, threads, &begun))
        return false;
    if (image_is_64_bit(p) && !image_is_filtered(p->tracee.pid) && inject_prepare(&p->tracee))
        p->offered = area_offer(h, p);
    attach_go_on(h, p, threads, begun);
    return true;
}

bool image_attach(struct host *h, struct process *p)
{
    struct threads threads = {0};
    struct plans planned = {0};
    uint64_t begun;
    if (tracee_open_memory(&p->tracee) != 0)
        return problem(p, errno == ESRCH ? "it has ended" : "ptrace is not permitted");
    if (has_other_code(p))
        return problem(p, "it is being recorded, or the code of an earlier recording stays in it");
    errno = 0;
    if (!stop_for_memory(h, p, &threads))
        return tell_threads(p, &threads);
    image_know(h, p);
    if (!areas_choose(p))
        return problem(p, is_same_program(p) ? "no room for the recorder's code near the program's"
                                             : HAS_EXECED);
    p->deferred = &planned;
    modules_plan(h, p);
    phases_attached(h, p);
    inject_prepare(&p->tracee);
    errno = 0;
    if (!stop_prepared(h, p, &threads, &begun)) {
        plans_free(&planned);
        return tell_threads(p, &threads);
    }
    bool done = is_same_program(p) ? plant(h, p, &threads) : problem(p, HAS_EXECED);
    if (!done && is_same_program(p))
        area_withdraw(h, p);
    attach_go_on(h, p, &threads, begun);
    /* Recorded already: what comes meanwhile is known twice, not never. */
    if (done && plant_rest(h, p, &planned))
        mapped_begin(p);
    plans_free(&planned);
    return done;
}
