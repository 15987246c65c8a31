/* unwind_shared.c - threads, and a signal handler in each of them, share one cache of rows while
 * each uses a version of the tables of its own, so that they overwrite each other's entries all
 * the time. Every walk must come out as the one with a cache of its own.
 *
 *     unwind_shared SECONDS
 */
#include "agent/unwind.h"
#include "unwind_here.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

enum { THREADS = 3, DEPTH = 40 };

static struct unwind_tables *versions[2 * THREADS];
static struct unwind_cache shared, own[2 * THREADS];
static unsigned long walks, wrong;
static time_t end;
static __thread int me;
static __thread uint64_t top; /* of this thread's stack */

static unsigned walk(const struct unwind_tables *tables, struct unwind_cache *cache,
                     struct unwind_state state, uint64_t pcs[DEPTH])
{
    unsigned count = 0;
    uint64_t slot, low = state.sp;
    while (count < DEPTH && unwind_step(tables, cache, &state, low, top, &slot) == UNWIND_MORE)
        pcs[count++] = state.pc;
    return count;
}

/* Compare both walks from here. `which`: the version of the tables to use. */
static __attribute__((noinline)) void compare(int which)
{
    uint64_t expected[DEPTH], found[DEPTH];
    struct unwind_state state = {0};
    __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %%rsp, %1; mov %%rbp, %2;"
                     "mov %%rbx, %3; 1:"
                     : "=m"(state.pc), "=m"(state.sp), "=m"(state.bp), "=m"(state.bx)
                     :
                     : "rax");
    unsigned count = walk(versions[which], &own[which], state, expected);
    bool equal = count >= 2 && walk(versions[which], &shared, state, found) == count &&
                 !memcmp(expected, found, count * sizeof *found);
    __atomic_fetch_add(&walks, 1, __ATOMIC_RELAXED);
    if (!equal)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) int descend(int left)
{
    volatile int kept = left;
    if (left)
        return descend(left - 1) + kept;
    compare(2 * me);
    return kept;
}

static void handler(int number)
{
    (void)number;
    compare(2 * me + 1);
}

/* In `how`: SIG_BLOCK or SIG_UNBLOCK. Only a thread that knows its stack may be interrupted. */
static void interruptions(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    pthread_sigmask(how, &set, NULL);
}

static void *run(void *number)
{
    me = (int)(intptr_t)number;
    top = (uint64_t)__builtin_frame_address(0) + 16;
    interruptions(SIG_UNBLOCK);
    for (int i = 0; time(NULL) < end; i++)
        descend(i % 17);
    interruptions(SIG_BLOCK);
    return NULL;
}

static void make_versions(void)
{
    uint64_t low, high;
    struct unwind_tables *tables = here_tables(&low, &high);
    size_t size = sizeof *tables + tables->count * sizeof *tables->modules;
    for (uint32_t i = 0; i < 2 * THREADS; i++) {
        versions[i] = (void *)((char *)tables + (1ul << 27) + i * 65536);
        memcpy(versions[i], tables, size);
        versions[i]->self = (char *)versions[i] - (char *)tables;
        versions[i]->version = i + 1;
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    struct itimerval often = {{0, 200}, {0, 200}};
    end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 2);
    make_versions();
    interruptions(SIG_BLOCK);
    signal(SIGPROF, handler);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i) != 0)
            return 2;
    setitimer(ITIMER_PROF, &often, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%lu walks, %lu wrong\n", walks, wrong);
    return wrong || !walks;
}
