/* ring.c - records on their way out: chunks that a thread fills and the host empties.
 *
 * A signal may interrupt any instruction here and its handler may record as well, so a chunk becomes
 * the thread's with one compare-and-swap on its own word, as a place in it does (event.h). Nothing
 * is ever locked. Where no chunk is free the thread waits for the host.
 */
#include "agent.h"

#define SYS_nanosleep 35
#define SYS_futex 202
#define FUTEX_WAKE 1   /* uapi/linux/futex.h */
#define ASK_SPINS 1000 /* as long as an answer takes where the host is awake */
#define ASK_REST_NS 50000
#define REST_NS 4000000 /* a quarter of what the host needs for the first chunks */

static inline uint64_t pack(uint32_t index, uint32_t offset)
{
    return (uint64_t)(index + 1) << 32 | offset;
}

static int swap_own(uint64_t *word, uint64_t old, uint64_t new)
{
    uint8_t done;
    __asm__ volatile("cmpxchg %3, %1; sete %0"
                     : "=q"(done), "+m"(*word), "+a"(old)
                     : "r"(new)
                     : "memory", "cc");
    return done;
}

static int32_t claim_free(uint32_t chunks)
{
    volatile uint32_t *words = area()->free_chunks;
    for (uint32_t w = 0; w < chunks / 32; w++)
        for (uint32_t old = words[w]; old != 0; old = words[w]) {
            uint32_t bit = (uint32_t)__builtin_ctz(old);
            if (__sync_bool_compare_and_swap(&words[w], old, old & ~(1u << bit)))
                return (int32_t)(w * 32 + bit);
        }
    return -1;
}

static void give_back(uint32_t index)
{
    chunk_at(index)->owner = 0;
    __sync_fetch_and_or(&area()->free_chunks[index / 32], 1u << index % 32);
}

/* Whether the host is gone. Then nothing is to be recorded any more. */
static int is_alone(void)
{
    if (likely(!(*(volatile uint32_t *)&area()->host & HOST_GONE)))
        return 0;
    area()->recording = 0;
    return 1;
}

/* Give the host time, without using any. */
static void rest(int64_t nanoseconds)
{
    const struct {
        int64_t seconds, nanoseconds;
    } time = {0, nanoseconds};
    if (area()->may_sleep)
        raw_syscall(SYS_nanosleep, (long)&time, 0);
    else
        __builtin_ia32_pause();
}

/* Where the host does not keep up, the first chunks are all in use. More of them are taken only
 * while it stands still: fresh memory costs the target more than a rest. */
static int32_t wait_for_chunk(struct thread_state *t)
{
    int32_t index = claim_free(AREA_FIRST);
    if (likely(index >= 0))
        return index;
    t->waits++;
    __sync_fetch_and_add(&area()->waits, 1);
    while (!is_alone()) {
        rest(REST_NS);
        index = claim_free(AREA_CHUNKS);
        if (index >= 0)
            return index;
    }
    return -1;
}

static uint32_t number_of(struct thread_state *t)
{
    return (uint32_t)(((char *)t - (char *)in_area(AREA_THREADS_AT)) / THREAD_SIZE) + 1;
}

/* Here, not in the host: so the chunk comes into this processor's cache in one go. */
static void make_zero(struct chunk *chunk)
{
    void *at = chunk;
    uint64_t words = CHUNK_SIZE / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
}

int ring_next_chunk(struct thread_state *t, uint64_t cur)
{
    int32_t index = wait_for_chunk(t);
    if (index < 0)
        return 0;
    struct chunk *fresh = chunk_at((uint32_t)index);
    make_zero(fresh);
    fresh->owner = number_of(t);
    if (!swap_own(&t->cur, cur, pack((uint32_t)index, CHUNK_HEAD))) {
        give_back((uint32_t)index); /* a signal handler was quicker */
        return 1;
    }
    if (cur == 0) {
        __atomic_store_n(&t->first_chunk, (uint32_t)index + 1, __ATOMIC_RELEASE);
        return 1;
    }
    struct chunk *full = chunk_at((uint32_t)(cur >> 32) - 1);
    full->end = (uint32_t)cur;
    __atomic_store_n(&full->next, (uint32_t)index + 1, __ATOMIC_RELEASE);
    return 1;
}

/* ---- questions ---- */

static void wake_host(void)
{
    if (*(volatile uint32_t *)&area()->host_sleeps && area()->may_sleep)
        raw_syscall3(SYS_futex, (long)&area()->asks, FUTEX_WAKE, 1);
}

/* Longer and longer: hundreds of threads that ask at once would leave the host no time to answer. */
static void wait_for_answer(const struct ask *ask)
{
    unsigned spins = 0;
    int64_t pause = ASK_REST_NS;
    while (__atomic_load_n(&ask->state, __ATOMIC_ACQUIRE) == ASK_WAITING) {
        if (is_alone())
            break;
        if (spins++ < ASK_SPINS) {
            __builtin_ia32_pause();
            continue;
        }
        rest(pause);
        pause = pause < REST_NS ? 2 * pause : pause;
    }
}

static struct answer ask_now(struct ask *ask, uint32_t kind, const uint64_t a[4])
{
    struct answer answer = {0, 0};
    ask->state = ASK_WRITING;
    __asm__ volatile("" ::: "memory");
    ask->kind = kind;
    for (int i = 0; i < 4; i++)
        ask->a[i] = a[i];
    ask->answer[0] = ask->answer[1] = 0;
    ask->time = area()->clock ? __builtin_ia32_rdtsc() : 0;
    __atomic_store_n(&ask->state, ASK_WAITING, __ATOMIC_RELEASE);
    __sync_fetch_and_add(&area()->asks, 1);
    wake_host();
    wait_for_answer(ask);
    if (ask->state == ASK_ANSWERED)
        answer = (struct answer){ask->answer[0], ask->answer[1]};
    __asm__ volatile("" ::: "memory");
    ask->state = ASK_IDLE;
    return answer;
}

/* In a signal handler that interrupted a question: that one is answered first, and is then as it
 * was; whoever asked it goes on with its answer. It may never, where an earlier handler left by
 * siglongjmp: then it is kept for nobody. */
static AGENT_COLD struct answer ask_inside(struct ask *ask, uint32_t kind, const uint64_t a[4])
{
    wait_for_answer(ask);
    const struct ask outer = *ask;
    struct answer answer = ask_now(ask, kind, a);
    *ask = outer;
    return answer;
}

struct answer ask_host(struct thread_state *t, uint32_t kind, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d)
{
    const uint64_t all[4] = {a, b, c, d};
    return t->ask.state == ASK_IDLE ? ask_now(&t->ask, kind, all) : ask_inside(&t->ask, kind, all);
}
