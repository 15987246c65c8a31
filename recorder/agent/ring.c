/* ring.c - records on their way out: chunks that a thread fills and the host empties.
 *
 * A signal may interrupt any instruction here and its handler may record as well, so a chunk becomes
 * the thread's with one compare-and-swap on its own word, as a place in it does (event.h). Nothing
 * is ever locked. Where no chunk is free the thread waits for the host.
 */
#include "agent.h"

#define SYS_futex 202
#define FUTEX_WAIT 0 /* uapi/linux/futex.h */
#define FUTEX_WAKE 1
#define ASK_SPINS 200             /* as long as an answer takes where the host is awake */
#define REST_NS 4000000           /* a quarter of what the host needs for the first chunks */
#define LONGEST_REST_NS 500000000 /* then it is looked whether the host is still there */

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

/* Whether the host is gone, or knows nothing of this process and has cleared the area. Then nothing is
 * to be recorded any more. */
static int is_alone(void)
{
    if (likely(!(*(volatile uint32_t *)&area()->host & HOST_GONE) &&
               *(volatile uint64_t *)&area()->magic == AREA_MAGIC))
        return 0;
    area()->recording = 0;
    return 1;
}

/* Until the word is another than it was, or somebody calls, at most so long. A signal ends it too. */
static void sleep_on(uint32_t *word, uint32_t was, int64_t nanoseconds)
{
    const struct {
        int64_t seconds, nanoseconds;
    } time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    if (area()->may_sleep)
        raw_syscall4(SYS_futex, (long)word, FUTEX_WAIT, was, (long)&time);
    else
        __builtin_ia32_pause();
}

static int64_t longer(int64_t rest)
{
    return rest < LONGEST_REST_NS / 2 ? 2 * rest : LONGEST_REST_NS;
}

static int32_t claim_of(uint32_t chunks)
{
    chunks += area()->threads_top;
    return claim_free(chunks < AREA_CHUNKS ? chunks / 32 * 32 : AREA_CHUNKS);
}

/* Where the host does not keep up, the first chunks are all in use. More of them are taken only
 * while it stands still: fresh memory costs the target more than a rest. */
static int32_t wait_for_chunk(struct thread_state *t)
{
    int32_t index = claim_of(AREA_FIRST);
    if (likely(index >= 0))
        return index;
    t->waits++;
    __sync_fetch_and_add(&area()->waits, 1);
    for (int64_t rest = REST_NS; index < 0 && !is_alone(); rest = longer(rest)) {
        uint32_t released = *(volatile uint32_t *)&area()->released;
        __sync_fetch_and_add(&area()->hungry, 1);
        index = claim_of(AREA_FIRST);
        if (index < 0)
            sleep_on(&area()->released, released, rest);
        __sync_fetch_and_sub(&area()->hungry, 1);
        if (index < 0 && *(volatile uint32_t *)&area()->released == released)
            index = claim_of(AREA_BEHIND);
    }
    return index;
}

/* Here, not in the host: so the chunk comes into this processor's cache in one go. */
static void make_zero(struct chunk *chunk)
{
    void *at = chunk;
    uint64_t words = CHUNK_SIZE / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
}

/* A handler that leaves by siglongjmp may come between going on and saying so in the chunk before: the
 * host finds the way back by `before` (host/drain/links.c). */
int ring_next_chunk(struct thread_state *t, uint64_t cur)
{
    int32_t index = wait_for_chunk(t);
    if (index < 0)
        return 0;
    struct chunk *fresh = chunk_at((uint32_t)index);
    make_zero(fresh);
    fresh->owner = t->number;
    fresh->before = cur;
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

/* It is announced here: a handler that waits for the question that it interrupted cannot know whether
 * that had come so far. */
static void wait_for_answer(struct thread_state *t)
{
    struct ask *ask = &t->ask;
    uint32_t index = t->number - 1;
    if (__atomic_load_n(&ask->state, __ATOMIC_ACQUIRE) == ASK_WAITING) {
        __sync_fetch_and_or(&area()->asking[index / 32], 1u << index % 32);
        __sync_fetch_and_add(&area()->asks, 1);
        wake_host();
    }
    for (unsigned spins = 0; spins < ASK_SPINS; spins++) {
        if (__atomic_load_n(&ask->state, __ATOMIC_ACQUIRE) != ASK_WAITING)
            break;
        __builtin_ia32_pause();
    }
    __sync_bool_compare_and_swap(&ask->state, ASK_WAITING, ASK_ASLEEP);
    while (__atomic_load_n(&ask->state, __ATOMIC_ACQUIRE) == ASK_ASLEEP && !is_alone())
        sleep_on(&ask->state, ASK_ASLEEP, LONGEST_REST_NS);
}

static struct answer ask_now(struct thread_state *t, uint32_t kind, const uint64_t a[4])
{
    struct answer answer = {0, 0};
    struct ask *ask = &t->ask;
    ask->state = ASK_WRITING;
    __asm__ volatile("" ::: "memory");
    ask->kind = kind;
    for (int i = 0; i < 4; i++)
        ask->a[i] = a[i];
    ask->answer[0] = ask->answer[1] = 0;
    ask->time = area()->clock ? __builtin_ia32_rdtsc() : 0;
    __atomic_store_n(&ask->state, ASK_WAITING, __ATOMIC_RELEASE);
    wait_for_answer(t);
    if (ask->state == ASK_ANSWERED)
        answer = (struct answer){ask->answer[0], ask->answer[1]};
    __asm__ volatile("" ::: "memory");
    ask->state = ASK_IDLE;
    return answer;
}

/* In a signal handler that interrupted a question: that one is answered first, and is then as it
 * was; whoever asked it goes on with its answer. It may never, where an earlier handler left by
 * siglongjmp: then it is kept for nobody. */
static AGENT_COLD struct answer ask_inside(struct thread_state *t, uint32_t kind,
                                           const uint64_t a[4])
{
    wait_for_answer(t);
    const struct ask outer = t->ask;
    struct answer answer = ask_now(t, kind, a);
    t->ask = outer;
    return answer;
}

struct answer ask_host(struct thread_state *t, uint32_t kind, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d)
{
    const uint64_t all[4] = {a, b, c, d};
    return t->ask.state == ASK_IDLE ? ask_now(t, kind, all) : ask_inside(t, kind, all);
}
