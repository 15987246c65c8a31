/* thread.c - who runs here: the thread pointer names a thread, without a system call.
 *
 * The identity pages are private to a process and wiped by fork (MADV_WIPEONFORK), so a child
 * finds them empty and introduces itself under its own number.
 */
#include "event.h"

#define SYS_mprotect 10
#define SYS_getpid 39
#define SYS_arch_prctl 158
#define SYS_gettid 186
#define SYS_prctl 157
#define PR_GET_NAME 16     /* uapi/linux/prctl.h */
#define PROT_READ_WRITE 3  /* asm-generic/mman-common.h */
#define ARCH_GET_FS 0x1003 /* asm/prctl.h */

uint64_t thread_pointer_asked(void)
{
    uint64_t fs = 0;
    if (area()->thread_by == THREAD_BY_NUMBER &&
        area()->may_sleep) /* else a filter may forbid it */
        return THREAD_NUMBERED((uint32_t)raw_syscall(SYS_gettid, 0, 0));
    raw_syscall(SYS_arch_prctl, ARCH_GET_FS, (long)&fs);
    return fs;
}

static inline uint32_t words_allowed(void)
{
    return *(volatile uint32_t *)&area()->thread_limit / 32;
}

/* The first one, which has room for more stacks, is not for the program before it has its thread
 * pointer: with that it will be another thread. */
static AGENT_COLD int32_t claim_state(uint64_t fs)
{
    volatile uint32_t *words = area()->threads;
    for (uint32_t w = 0; w < words_allowed(); w++)
        for (uint32_t old = words[w], kept = fs == 0 && w == 0; ~(old | kept) != 0;
             old = words[w]) {
            uint32_t bit = (uint32_t)__builtin_ctz(~(old | kept));
            if (!__sync_bool_compare_and_swap(&words[w], old, old | 1u << bit))
                continue;
            if (likely(w < words_allowed()))
                return (int32_t)(w * 32 + bit);
            __sync_fetch_and_and(&words[w], ~(1u << bit)); /* fewer, since: host/area/room.c */
            return -1;
        }
    return -1;
}

static struct thread_state *state_at(uint32_t index)
{
    return in_area(THREAD_AT(index));
}

/* Beyond the first ones nothing may be read or written yet, in this process. */
static int open_state(struct thread_state *t, uint32_t index)
{
    if (index < AREA_OPEN)
        return 1;
    return area()->may_sleep &&
           raw_syscall3(SYS_mprotect, (long)t, THREAD_SPAN * THREAD_SIZE, PROT_READ_WRITE) == 0;
}

static AGENT_COLD struct thread_state *find_live(uint64_t fs)
{
    for (uint32_t i = 0; i < area()->threads_top; i++) {
        struct thread_state *t = state_at(i);
        if ((area()->threads[i / 32] >> i % 32 & 1) && open_state(t, i) && t->use == THREAD_LIVE &&
            (t->fs == fs || THREAD_NUMBERED(t->tid) == fs) && t->pid == identity()->pid)
            return t;
    }
    return 0;
}

static struct newcomer *newcomer_at(uint64_t fs)
{
    return &identity()->newcomers[home_of(fs) % NEWCOMERS];
}

void thread_expect(uint64_t fs, uint64_t tid_at)
{
    *newcomer_at(fs) = (struct newcomer){fs, tid_at};
}

static struct thread_state *known(uint64_t fs)
{
    uint32_t home = home_of(fs);
    for (uint32_t i = 0; i < PROBES; i++) {
        const volatile struct identity_entry *e =
            &identity()->entries[(home + i) % IDENTITY_ENTRIES];
        if (e->fs == fs && e->state != 0)
            return (struct thread_state *)e->state;
    }
    return identity()->displaced ? find_live(fs) : 0;
}

/* Without a system call where that can be: a filter may forbid it. The kernel has written the number
 * before the thread's first instruction (kernel/fork.c, kernel_clone). The first thread has been met
 * before it had a pointer, and is the first that has one. */
static uint32_t own_number(uint64_t fs)
{
    const struct newcomer n = *newcomer_at(fs);
    if (n.fs == fs && n.tid_at != 0)
        return *(const volatile uint32_t *)n.tid_at;
    int is_first = !area()->may_sleep && !identity()->is_named && fs != 0;
    const struct thread_state *before = is_first ? known(0) : 0;
    if (before != 0) {
        identity()->is_named = 1;
        return before->tid;
    }
    return (uint32_t)raw_syscall(SYS_gettid, 0, 0);
}

/* Both words at once: other threads may want the same entry, and so may a signal's handler that runs
 * in between. */
static int swap_entry(struct identity_entry *e, struct identity_entry old, uint64_t fs,
                      struct thread_state *t)
{
    uint8_t done;
    __asm__ volatile("lock cmpxchg16b %1; sete %0"
                     : "=q"(done), "+m"(*e), "+a"(old.fs), "+d"(old.state)
                     : "b"(fs), "c"(t)
                     : "memory", "cc");
    return done;
}

/* From now on `fs` is `t`, unless it was met in between, by a signal's handler: who it is then. */
static struct thread_state *remember(uint64_t fs, struct thread_state *t)
{
    uint32_t home = home_of(fs), i = 0;
    for (;;) {
        struct identity_entry *e = &identity()->entries[(home + i) % IDENTITY_ENTRIES];
        const struct identity_entry old = *(const volatile struct identity_entry *)e;
        if (old.state != 0 && i < PROBES - 1) {
            i++;
            continue;
        }
        struct thread_state *other = known(fs);
        if (other != 0 && other != t)
            return other;
        identity()->displaced |= old.state != 0;
        if (swap_entry(e, old, fs, t))
            return t;
        i = 0;
    }
}

static struct thread_state *no_state(void)
{
    __sync_fetch_and_add(&area()->trouble[TROUBLE_NO_THREAD], 1);
    return 0;
}

static void note_top(uint32_t index)
{
    uint32_t *top = &area()->threads_top;
    for (uint32_t old = *top; old <= index; old = *top)
        __sync_bool_compare_and_swap(top, old, index + 1);
}

static AGENT_COLD struct thread_state *new_state(uint64_t fs, int alone)
{
    int32_t index = claim_state(fs);
    if (index < 0)
        return no_state();
    struct thread_state *t = state_at((uint32_t)index);
    if (!open_state(t, (uint32_t)index)) {
        __sync_fetch_and_and(&area()->threads[index / 32], ~(1u << index % 32));
        return no_state();
    }
    note_top((uint32_t)index);
    t->number = (uint32_t)index + 1;
    t->memo_count = 1;
    t->paths = t->lends = 0;
    for (uint32_t i = 0; t->was_used && i < MEMO_BUCKETS; i++)
        t->buckets[i] = 0;
    t->pid = identity()->pid;
    t->tid = alone ? t->pid : own_number(fs);
    t->fs = fs;
    __atomic_store_n(&t->use, THREAD_LIVE, __ATOMIC_RELEASE);
    return t;
}

/* Whether this is a child that has its parent's memory until it execs or ends (vfork): what it asks
 * for in there is its parent's, what becomes of it is not. A filter may forbid it to ask for its number:
 * then it does so only where nothing else tells. */
int thread_is_guest(const struct thread_state *t)
{
    if (t->lends && !area()->may_sleep)
        return 1;
    return (area()->may_sleep ? identity()->lent : identity()->lent & LENT_UNTOLD) &&
           (uint32_t)raw_syscall(SYS_getpid, 0, 0) != identity()->pid;
}

/* Whether it runs as this thread of its parent's, whose thread pointer it has. */
int thread_is_lent(const struct thread_state *t)
{
    return (t->lends && !area()->may_sleep) || t->tid != (uint32_t)raw_syscall(SYS_gettid, 0, 0);
}

void thread_is_alone(uint32_t pid)
{
    identity()->pid = pid;
}

/* The only thread of a forked child has the number of its process. */
struct thread_state *thread_meet(uint64_t fs, uint64_t sp)
{
    struct identity *self = identity();
    int alone = !self->ready && self->pid != 0;
    if (!self->ready) {
        if (self->pid == 0)
            self->pid = (uint32_t)raw_syscall(SYS_getpid, 0, 0);
        self->ready = 1;
    }
    struct thread_state *t = known(fs);
    if (t == 0 && area()->thread_by == THREAD_BY_NUMBER && (t = find_live(fs)) != 0)
        t->fs = fs; /* it was known by its pointer until now */
    if (t == 0 && (t = new_state(fs, alone)) == 0)
        return 0;
    struct thread_state *met = remember(fs, t);
    if (met != t) {
        __atomic_store_n(&t->use, THREAD_GONE, __ATOMIC_RELEASE);
        return met;
    }
    if (t->stack_high == 0) {
        struct answer bounds = ask_host(t, ASK_STACK, sp, 0, 0, 0);
        t->stack_low = bounds.first;
        t->stack_high = bounds.second;
    }
    return t;
}

void thread_forget(uint64_t fs)
{
    uint32_t home = home_of(fs);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct identity_entry *e = &identity()->entries[(home + i) % IDENTITY_ENTRIES];
        if (e->fs == fs && e->state != 0) {
            __atomic_store_n(&((struct thread_state *)e->state)->use, THREAD_GONE,
                             __ATOMIC_RELEASE);
            e->state = 0;
        }
    }
}

/* Where a filter might forbid it, its name stays unknown. */
void thread_ends(struct thread_state *t)
{
    if (area()->may_sleep)
        raw_syscall(SYS_prctl, PR_GET_NAME, (long)t->name);
    thread_forget(t->fs);
}
