/* rest.c - how long the host sleeps between two looks at the ring.
 *
 * Reading what a thread writes at the same moment is dear for both: the same lines go to and fro
 * between two processors. So the host comes rarely, and finds many full chunks. A question of the
 * target wakes it.
 */
#define _GNU_SOURCE /* ppoll */
#include "rest.h"
#include "process/processes.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MIN_US 20
#define IDLE_MAX_US 1000
#define QUIET_MAX_US 4000 /* where nothing at all was recorded */
#define FEW_CHUNKS 16     /* fewer than that are not worth coming */
#define MANY_CHUNKS 64    /* with so many the host is behind: a quarter of AREA_FIRST */
#define FLUSH_NS 100000000

/* What was recorded until now is to outlive this process. */
static void keep(struct host *h)
{
    uint64_t now = clock_now_ns();
    if (now - h->flushed_ns < FLUSH_NS)
        return;
    h->flushed_ns = now;
    history_flush(h->history);
    spool_flush(&h->spool);
}

/* A program that begins asks often; one that must not sleep cannot wake us either. */
static bool is_silent(const struct process *p)
{
    return p->phase < PHASE_MAIN && p->family != NULL && !p->family->area->may_sleep;
}

static bool any_is_silent(const struct host *h)
{
    for (size_t i = 0; i < h->process_count; i++)
        if (is_silent(h->processes[i]))
            return true;
    return false;
}

/* ---- sleeping until somebody asks ---- */

/* Linux 5.16, uapi/linux/futex.h */
#define FUTEX_WAITV_NUMBER 449
#define FUTEX_WAITERS 128
#define FUTEX_SIZE_U32 2
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};

/* Stops of the threads that are about to exec: rest_prepare's handler counts SIGCHLD. */
static uint32_t stops;

static void count_stop(int number)
{
    (void)number;
    __atomic_fetch_add(&stops, 1, __ATOMIC_RELAXED);
}

/* Only in a rest: each system call that the target is made to execute ends in stops as well. */
static void let_stops_in(int how)
{
    sigset_t those;
    sigemptyset(&those);
    sigaddset(&those, SIGCHLD);
    sigprocmask(how, &those, NULL);
}

void rest_prepare(void)
{
    struct sigaction action = {.sa_handler = count_stop, .sa_flags = SA_RESTART};
    let_stops_in(SIG_BLOCK);
    sigaction(SIGCHLD, &action, NULL);
}

uint32_t rest_stops(void)
{
    return __atomic_load_n(&stops, __ATOMIC_RELAXED);
}

static unsigned waiters_of(struct host *h, struct waiter *list)
{
    unsigned count = 0;
    list[count++] = (struct waiter){h->stops_seen, (uint64_t)&stops, FUTEX_SIZE_U32, 0};
    for (size_t i = 0; i < h->process_count && count < FUTEX_WAITERS; i++) {
        struct family *f = h->processes[i]->family;
        if (f == NULL || f->area->host_sleeps) /* or that of another process */
            continue;
        list[count++] = (struct waiter){f->asks_seen, (uint64_t)&f->area->asks, FUTEX_SIZE_U32, 0};
        __atomic_store_n(&f->area->host_sleeps, 1, __ATOMIC_SEQ_CST);
    }
    return count;
}

static void wake_up(struct host *h)
{
    for (size_t i = 0; i < h->process_count; i++)
        if (h->processes[i]->family != NULL)
            __atomic_store_n(&h->processes[i]->family->area->host_sleeps, 0, __ATOMIC_RELAXED);
}

/* Until the process that brkpoint started has ended, at most so long. */
static void sleep_to_the_end(struct host *h, unsigned microseconds)
{
    struct process *first = process_by(h, h->first);
    struct pollfd wait = {first ? first->pidfd : -1, POLLIN, 0};
    struct timespec time = {0, (long)microseconds * 1000};
    ppoll(&wait, 1, &time, NULL);
}

static void sleep_a_little(struct host *h, unsigned microseconds)
{
    struct waiter list[FUTEX_WAITERS];
    uint64_t until = clock_now_ns() + (uint64_t)microseconds * 1000;
    struct timespec time = {(time_t)(until / 1000000000), (long)(until % 1000000000)};
    unsigned count = h->has_end_state ? 0 : waiters_of(h, list);
    let_stops_in(SIG_UNBLOCK);
    if (count <= 1 || (syscall(FUTEX_WAITV_NUMBER, list, count, 0, &time, CLOCK_MONOTONIC) < 0 &&
                       errno == ENOSYS))
        sleep_to_the_end(h, microseconds);
    let_stops_in(SIG_BLOCK);
    wake_up(h);
}

/* ---- how long ---- */

static unsigned next_idle(unsigned idle, uint64_t chunks)
{
    if (chunks > 2 * FEW_CHUNKS)
        return idle / 2 > IDLE_MIN_US ? idle / 2 : IDLE_MIN_US;
    if (chunks < FEW_CHUNKS) {
        unsigned most = chunks ? IDLE_MAX_US : QUIET_MAX_US;
        return idle * 2 < most ? idle * 2 : most;
    }
    return idle;
}

void host_rest(struct host *h, bool busy)
{
    uint64_t chunks = h->chunks_read;
    h->chunks_read = 0;
    if (chunks >= MANY_CHUNKS)
        return;
    if (any_is_silent(h) && h->yields < IDLE_MAX_US) {
        sched_yield();
        h->yields = busy ? 0 : h->yields + 1;
        return;
    }
    keep(h);
    h->idle_us = next_idle(h->idle_us ? h->idle_us : IDLE_MIN_US, chunks);
    sleep_a_little(h, h->idle_us);
}
