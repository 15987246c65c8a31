/* event.h - the parts that every event runs, to be inlined: which thread this is, whether its stack
 * is remembered, a place for the record. What is rare is behind calls: thread.c, memo.c, ring.c.
 */
#ifndef BRKPOINT_AGENT_EVENT_H
#define BRKPOINT_AGENT_EVENT_H

#include "../unwind_format.h"
#include "agent.h"

/* ---- the thread ---- */

#define PROBES 32 /* a third of the entries are in use, at most: clusters are shorter */
#define HOME_FACTOR 0x5e3779b1
#define HOME_SHIFT 17
_Static_assert(IDENTITY_ENTRIES == 1u << (32 - HOME_SHIFT), "the highest bits");

static inline struct identity *identity(void)
{
    return (struct identity *)code_head.identity;
}

static inline uint32_t home_of(uint64_t fs)
{
    return (uint32_t)(fs >> 6) * HOME_FACTOR >> HOME_SHIFT;
}

static inline uint64_t thread_pointer(void)
{
    uint64_t fs;
    if (likely(area()->thread_by == THREAD_BY_FSBASE))
        __asm__ volatile("rdfsbase %0" : "=r"(fs));
    else if (likely(area()->thread_by == THREAD_BY_WORD))
        __asm__ volatile("mov %%fs:0, %0" : "=r"(fs));
    else
        fs = thread_pointer_asked();
    return fs;
}

/* Where the kernel has wiped the pages, no entry is in use, and it is met anew. */
static inline struct thread_state *thread_find(uint64_t sp)
{
    uint64_t fs = thread_pointer();
    const struct identity_entry *entries = identity()->entries;
    uint32_t home = home_of(fs);
    for (uint32_t i = 0; i < PROBES; i++) {
        const struct identity_entry *e = &entries[(home + i) % IDENTITY_ENTRIES];
        if (likely(e->fs == fs && e->state != 0))
            return (struct thread_state *)e->state;
    }
    if (area()->thread_by == THREAD_BY_WORD && area()->may_sleep) /* else a filter may forbid it */
        fs = thread_pointer_asked(); /* the word may be another's, or nobody's */
    return thread_meet(fs, sp);
}

/* ---- its stack ---- */

static inline int on_known_stack(const struct thread_state *t, uint64_t sp)
{
    return sp >= t->stack_low && sp < t->stack_high;
}

/* Whether it is the address that wrapped calls return to. */
static inline int is_wrapper(uint64_t ret)
{
    return unlikely((ret == code_head.after[0]) | (ret == code_head.after[1]) |
                    (ret == code_head.after[2]) | (ret == code_head.after[3]));
}

/* Past the agent's own wrappers: whether `ret` at `*slot` was one; then all three are the caller's. */
static inline int skip_wrapper(uint64_t *slot, uint64_t *ret, uint64_t *bp)
{
    int skipped = 0;
    while (is_wrapper(*ret)) {
        *slot += WRAP_SKIP;
        *ret = load(*slot);
        *bp = load(*slot - 8);
        skipped = 1;
    }
    return skipped;
}

/* By number: the words of a thread's nodes, and what is known of them. */
static inline struct memo_word *words_of(const struct thread_state *t)
{
    return (struct memo_word *)((char *)t + WORDS_AT);
}

static inline struct memo_node *nodes_of(const struct thread_state *t)
{
    return (struct memo_node *)((char *)t + NODES_AT);
}

/* Whether it has the memory of one of the first threads, in steps. */
static inline int has_steps(const struct thread_state *t)
{
    return t->number <= (area()->memo_grows ? MEMO_THREADS : 1);
}

static inline uint32_t bucket_of(uint64_t slot, uint64_t pc)
{
    return (uint32_t)((slot >> 3) + pc) % MEMO_BUCKETS;
}

static inline const struct unwind_tables *tables(void)
{
    uint64_t at = *(volatile uint64_t *)&identity()->tables;
    return at ? in_area(at) : 0;
}

/* Whether a chain still ends where it did. */
static inline int end_holds(uint32_t end)
{
    uint32_t version = CUT_VERSION(end);
    if (likely(version == 0))
        return 1;
    const struct unwind_tables *known = tables();
    return known != 0 && known->version == version;
}

/* Whether memory still has the words of the chain behind node i. */
static inline int holds(const struct thread_state *t, uint32_t i)
{
    for (uint32_t runs = 0; runs < 2 * MAX_FRAMES; runs++) { /* deeper frames are not shown */
        const struct memo_word *w = &words_of(t)[i], *last = w + nodes_of(t)[i].left;
        while (w != last) {
            w++;
            if (unlikely(load(w->slot) != w->pc))
                return 0;
        }
        i = nodes_of(t)[i].parent;
        if (i == 0 || (i & NODE_CUT))
            return end_holds(i);
        if (load(words_of(t)[i].slot) != words_of(t)[i].pc)
            return 0;
    }
    return 1;
}

/* Whether the node's own word is `pc` in `slot`, and its rbp, where it matters, is this. Its words
 * lie below the end of the stack that it was made on, and must so of this one: else another stack, a
 * smaller one, has come to lie at the same place. */
static inline int is_at(const struct thread_state *t, uint32_t i, uint64_t slot, uint64_t pc,
                        uint64_t bp)
{
    const struct memo_node *n = &nodes_of(t)[i];
    const struct memo_word *w = &words_of(t)[i];
    return w->slot == slot && w->pc == pc && n->top < t->stack_high &&
           (!(n->next & MEMO_USES_BP) || n->bp_in == bp);
}

/* The node of a remembered chain that holds, whose innermost word is `pc` in `slot`; 0: none. */
static inline uint32_t remembered(const struct thread_state *t, uint64_t slot, uint64_t pc,
                                  uint64_t bp, unsigned tries)
{
    uint32_t i = t->buckets[bucket_of(slot, pc)] & MEMO_NEXT;
    for (; i != 0 && tries != 0; i = nodes_of(t)[i].next & MEMO_NEXT, tries--)
        if (is_at(t, i, slot, pc, bp) && holds(t, i))
            return i;
    return 0;
}

/* It is looked at first the next time: programs come again to where they were a moment ago. At each
 * moment the list is whole, with it or without it: a signal's handler may leave by siglongjmp. */
static inline void bring_forward(struct thread_state *t, uint64_t slot, uint64_t ret,
                                 uint32_t found)
{
    volatile uint32_t *bucket = &t->buckets[bucket_of(slot, ret)];
    uint32_t first = *bucket & MEMO_NEXT, before = first;
    if (likely(first == found))
        return;
    while ((nodes_of(t)[before].next & MEMO_NEXT) != found)
        before = nodes_of(t)[before].next & MEMO_NEXT;
    volatile uint32_t *link = &nodes_of(t)[before].next, *own = &nodes_of(t)[found].next;
    *link = (*link & ~MEMO_NEXT) | (*own & MEMO_NEXT);
    *own = (*own & ~MEMO_NEXT) | first;
    *bucket = (*bucket & ~MEMO_NEXT) | found;
}

/* The node of the stack whose innermost return address `ret` stands in `slot`; 0: it is not known. */
static inline uint32_t stack_known(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                                   uint64_t bx)
{
    uint32_t found = 0;
    (void)bx; /* only the check looks at it */
    if (likely(on_known_stack(t, slot) && !t->memo_busy)) {
        t->memo_busy = slot;
        __asm__ volatile("" ::: "memory");
        found = remembered(t, slot, ret, bp, MEMO_LONGEST);
        t->hits += found != 0;
        if (found != 0)
            bring_forward(t, slot, ret, found);
#ifdef AGENT_CHECKED
        if (found != 0)
            check_stack(t, slot, ret, bp, bx, found);
#endif
        __asm__ volatile("" ::: "memory");
        t->memo_busy = 0;
    }
    return found;
}

static inline uint32_t stack_at_entry(struct thread_state *t, uint64_t slot, uint64_t ret,
                                      uint64_t bp, uint64_t bx)
{
    uint32_t found = stack_known(t, slot, ret, bp, bx);
    while (unlikely(found == 0))
        found = stack_unwound(t, slot, ret, bp, bx);
    return found;
}

/* ---- the record ---- */

/* `cur` from what it was to what is behind a record, in one instruction. False: a signal handler was
 * quicker. */
static inline int ring_take(struct thread_state *t, uint64_t cur, uint64_t after)
{
    uint64_t was = cur;
    __asm__ volatile("cmpxchg %2, %0" : "+m"(t->cur), "+a"(was) : "r"(after) : "memory", "cc");
    return was == cur;
}

/* Room for `size` bytes (a multiple of SLOT); *after: `cur` behind it. NULL: the host is gone.
 *
 * A signal may interrupt any instruction here and its handler may record as well, so a place is
 * taken with one compare-and-swap on the thread's own word; without a lock prefix, since nobody but
 * this thread's signals competes. */
static inline union record *ring_reserve(struct thread_state *t, uint32_t size, uint64_t *after)
{
    for (;;) {
        uint64_t cur = *(volatile uint64_t *)&t->cur;
        if (unlikely(cur == 0 || (uint32_t)cur + size > CHUNK_SIZE)) {
            if (!ring_next_chunk(t, cur))
                return 0;
            continue;
        }
        *after = cur + size;
        void *place = (char *)chunk_at((uint32_t)(cur >> 32) - 1) + (uint32_t)cur;
        union record *record = place;
        (void)*(volatile uint64_t *)place; /* a page fault, and the signals it lets in, come here */
        if (likely(ring_take(t, cur, *after))) {
            *(volatile uint64_t *)place = RECORD_BEGUN | (uint64_t)size << 8;
            return record;
        }
    }
}

/* The time stamp of an event, one in `every` of which has one; 0 where there is none. */
static inline uint64_t agent_time(struct thread_state *t, uint32_t every)
{
    if (likely((int32_t)every > 1)) {
        if (likely(t->clock_left != 0)) {
            t->clock_left--;
            return 0;
        }
        t->clock_left = every - 1;
    }
    return every == 0 ? 0 : __builtin_ia32_rdtsc();
}

/* Whether what takes memory and gives memory back has a stamp at both ends. */
static inline int has_both_times(uint32_t every)
{
    return every == 1 || every == CLOCK_ORDER;
}

#endif
