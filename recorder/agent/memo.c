/* memo.c - stacks, remembered: cheap where a stack was seen before, true always.
 *
 * A chain is what one unwinding found: return addresses, each in its slot, and, where a frame is
 * found through rbp, the words that rbp was restored from. For the same stack pointer and return
 * address the same chain holds again if memory still has every one of these words: they are all
 * that the unwinding read. So a chain is compared word by word, innermost first, and where a word
 * differs the stack is unwound until the rest is a known chain.
 */
#include "agent.h"
#include "unwind.h"

#define CHAIN_MAX MAX_FRAMES

static inline uint32_t bucket_of(uint64_t slot, uint64_t pc)
{
    uint64_t h = (slot ^ pc << 20 ^ pc >> 12) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 52) % MEMO_BUCKETS;
}

/* Its words lie below the end of the stack that it was made on, and so of this one: else another
 * stack, a smaller one, has come to lie at the same place. */
static inline int holds(const struct thread_state *t, const struct memo_node *n)
{
    uint64_t end = t->stack_high;
    for (unsigned i = 0; i < 2 * CHAIN_MAX; i++) {
        if (n->save != 0 && (n->save >= end || load(n->save) != n->bp))
            return 0;
        if (n->parent == 0 || (n->parent & NODE_CUT))
            return 1;
        n = &t->nodes[n->parent];
        if (n->slot >= end || load(n->slot) != n->pc)
            return 0;
    }
    return 1; /* deeper frames are not shown */
}

/* The node of a remembered chain that holds, whose innermost word is `pc` in `slot`; 0: none. */
static inline uint32_t remembered(const struct thread_state *t, uint64_t slot, uint64_t pc,
                                  uint64_t bp)
{
    uint32_t i = t->buckets[bucket_of(slot, pc)];
    for (; i != 0; i = t->nodes[i].next & MEMO_NEXT) {
        const struct memo_node *n = &t->nodes[i];
        if (n->slot == slot && n->pc == pc && (!(n->next & MEMO_USES_BP) || n->bp_in == bp) &&
            holds(t, n))
            return i;
    }
    return 0;
}

/* ---- the memory that may be read ---- */

static int on_stack(struct thread_state *t, uint64_t sp)
{
    if (likely(sp >= t->stack_low && sp < t->stack_high))
        return 1;
    if (!ask_host(t, ASK_STACK, sp, 0, 0, 0))
        return 0;
    t->stack_low = t->ask.answer[0];
    t->stack_high = t->ask.answer[1];
    return sp >= t->stack_low && sp < t->stack_high;
}

static const struct unwind_tables *tables(void)
{
    uint64_t at = *(volatile uint64_t *)&((struct identity *)code_head.identity)->tables;
    return at ? in_area(at) : 0;
}

static struct unwind_cache *cache(void)
{
    return in_area(AREA_CACHE_AT);
}

/* ---- telling the host ---- */

static void tell(struct thread_state *t, uint32_t id, uint32_t parent, uint64_t pc, uint64_t slot)
{
    uint64_t after;
    uint64_t *record = (uint64_t *)ring_reserve(t, 32, &after);
    if (record == 0)
        return;
    record[1] = parent;
    record[2] = pc;
    record[3] = slot;
    __atomic_store_n(record, RECORD_NODE | (uint64_t)id << 32, __ATOMIC_RELEASE);
}

static uint32_t frame_at(const struct thread_state *t, uint32_t id)
{
    while (id != 0 && !(id & NODE_CUT) && (t->nodes[id].next & MEMO_CHECK))
        id = t->nodes[id].parent;
    return id;
}

/* ---- unwinding anew ---- */

/* A chain being made: nodes from `first` to `last`, and what lies outside of them. */
struct walk {
    uint32_t first, last;
    uint32_t outer;    /* parent of the last */
    uint32_t unsteady; /* nodes up to this one rest on more than their words; 0: none */
};

static AGENT_COLD void forget_all(struct thread_state *t)
{
    for (uint32_t i = 0; i < MEMO_BUCKETS; i++)
        t->buckets[i] = 0;
    t->memo_count = 1;
}

static struct memo_node *push(struct thread_state *t, struct walk *walk, uint64_t slot, uint64_t pc,
                              uint64_t bp_in, uint32_t flags)
{
    uint32_t i = t->memo_count++;
    t->nodes[i] = (struct memo_node){slot, pc, 0, 0, bp_in, 0, flags};
    if (walk->first == 0)
        walk->first = i;
    else
        t->nodes[walk->last].parent = i;
    walk->last = i;
    return &t->nodes[i];
}

/* A word that the unwinding read besides return addresses and rbp. */
static void check(struct thread_state *t, struct walk *walk, uint64_t address, uint64_t value)
{
    push(t, walk, address, value, 0, MEMO_CHECK);
}

/* Where a frame was found by more than rsp, rbp and its slot: what else must be as it was. */
static void check_cfa(struct thread_state *t, struct walk *walk, const struct unwind_state *before,
                      const struct unwind_state *s)
{
    if (s->kind == UNWIND_AT_BP)
        check(t, walk, before->bp + (uint64_t)UNWIND_CFA(unwind_row(tables(), cache(), before->pc)),
              s->sp);
    else if (s->kind == UNWIND_BX || s->kind == UNWIND_SIGNAL || s->kind == UNWIND_AT_SP ||
             s->guessed)
        walk->unsteady = t->memo_count;
}

/* A frame of the agent's own stands between a function and its caller: past it. */
static void pass_wrapper(struct thread_state *t, struct walk *walk, struct unwind_state *s,
                         uint64_t *slot)
{
    uint64_t at = *slot, ret = s->pc;
    if (likely(at == 0 || !skip_wrapper(slot, &s->pc)))
        return;
    if (walk)
        check(t, walk, at, ret);
    s->sp = *slot + 8;
    s->row = 0;
}

static void climb(struct thread_state *t, struct walk *walk, struct unwind_state *s)
{
    const struct unwind_tables *known = tables();
    struct memo_node *n = &t->nodes[walk->last];
    for (unsigned depth = 1; depth < CHAIN_MAX; depth++) {
        struct unwind_state before = *s;
        uint64_t slot;
        int result = known ? unwind_step(known, cache(), s, t->stack_low, t->stack_high, &slot)
                           : UNWIND_CUT_UNWINDER;
        if (result != UNWIND_MORE) {
            walk->outer = result == UNWIND_WHOLE ? 0 : NODE_CUT | (uint32_t)result;
            return;
        }
        n->save = s->bp_from;
        n->bp = s->bp;
        n->next |= s->kind == UNWIND_BP || s->kind == UNWIND_AT_BP ? MEMO_USES_BP : 0;
        check_cfa(t, walk, &before, s);
        pass_wrapper(t, walk, s, &slot);
        if (slot == 0 && !on_stack(t, s->sp)) {
            walk->outer = NODE_CUT | UNWIND_CUT_UNREADABLE;
            push(t, walk, slot, s->pc, s->bp, 0);
            return;
        }
        uint32_t rest = slot && !s->guessed ? remembered(t, slot, s->pc, s->bp) : 0;
        if (rest != 0) {
            walk->outer = rest;
            return;
        }
        n = push(t, walk, slot, s->pc, s->bp, 0);
    }
    walk->outer = NODE_CUT | UNWIND_CUT_DEEP;
}

/* Which frames need rbp to be what it was, from the outermost inwards; then into the buckets. */
static void finish(struct thread_state *t, struct walk *walk)
{
    uint32_t outer_uses = walk->outer == 0 || (walk->outer & NODE_CUT)
                              ? 0
                              : t->nodes[walk->outer].next & MEMO_USES_BP;
    int steady = !(walk->outer & NODE_CUT) || walk->outer == (NODE_CUT | UNWIND_CUT_DEEP);
    t->nodes[walk->last].parent = walk->outer;
    for (uint32_t i = walk->last; i >= walk->first; i--) {
        struct memo_node *n = &t->nodes[i];
        if (!outer_uses)
            n->save = 0;
        else if (n->save == 0)
            n->next |= MEMO_USES_BP;
        outer_uses = n->next & MEMO_USES_BP;
        if (i < walk->unsteady)
            steady = 0;
        if (steady && !(n->next & MEMO_CHECK)) {
            uint32_t *bucket = &t->buckets[bucket_of(n->slot, n->pc)];
            n->next = (n->next & ~MEMO_NEXT) | *bucket;
            *bucket = i;
        }
        if (!(n->next & MEMO_CHECK))
            tell(t, i, frame_at(t, n->parent), n->pc, n->slot);
    }
}

static AGENT_COLD uint32_t unwind(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                                  uint64_t bx)
{
    if (t->memo_count == 0 || t->memo_count + 3 * CHAIN_MAX >= MEMO_NODES)
        forget_all(t);
    struct walk walk = {0};
    struct unwind_state s = {.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    t->misses++;
    push(t, &walk, slot, ret, bp, 0);
    climb(t, &walk, &s);
    finish(t, &walk);
    return walk.first;
}

/* Without remembering: a signal interrupted this very code. */
static AGENT_COLD uint32_t unwind_once(struct thread_state *t, uint64_t slot, uint64_t ret,
                                       uint64_t bp, uint64_t bx)
{
    struct unwind_state s = {.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    uint32_t first = NODE_ONCE + t->once_count % NODE_ONCE_RING, id = first;
    const struct unwind_tables *known = tables();
    t->once++;
    for (unsigned depth = 1;; depth++) {
        uint64_t pc = s.pc, here = slot;
        int result = UNWIND_CUT_DEEP;
        if (depth < CHAIN_MAX)
            result = known ? unwind_step(known, cache(), &s, t->stack_low, t->stack_high, &slot)
                           : UNWIND_CUT_UNWINDER;
        if (result == UNWIND_MORE)
            pass_wrapper(t, 0, &s, &slot);
        t->once_count++;
        uint32_t parent = NODE_ONCE + t->once_count % NODE_ONCE_RING;
        if (result != UNWIND_MORE)
            parent = result == UNWIND_WHOLE ? 0 : NODE_CUT | (uint32_t)result;
        tell(t, id, parent, pc, here);
        if (result != UNWIND_MORE)
            return first;
        id = parent;
    }
}

int skip_wrapper(uint64_t *slot, uint64_t *ret)
{
    int skipped = 0;
    for (unsigned i = 0; i < 4; i++)
        if (unlikely(code_head.after[i] != 0 && *ret == code_head.after[i])) {
            *slot += WRAP_SKIP;
            *ret = load(*slot);
            skipped = 1;
            i = (unsigned)-1; /* and again */
        }
    return skipped;
}

static inline uint32_t stack_from(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                                  uint64_t bx)
{
    if (unlikely(!on_stack(t, slot)))
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    if (unlikely(t->memo_busy))
        return unwind_once(t, slot, ret, bp, bx);
    t->memo_busy = 1;
    __asm__ volatile("" ::: "memory");
    uint32_t found = remembered(t, slot, ret, bp);
    if (unlikely(found == 0))
        found = unwind(t, slot, ret, bp, bx);
    else
        t->hits++;
    __asm__ volatile("" ::: "memory");
    t->memo_busy = 0;
    return found;
}

uint32_t stack_at_entry(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                        uint64_t bx)
{
    return stack_from(t, slot, ret, bp, bx);
}

uint32_t stack_at_pc(struct thread_state *t, uint64_t pc, uint64_t sp, uint64_t bp, uint64_t bx)
{
    struct unwind_state s = {.pc = pc, .sp = sp, .bp = bp, .bx = bx};
    const struct unwind_tables *known = tables();
    uint64_t slot;
    if (known == 0 || !on_stack(t, sp))
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    int result = unwind_step(known, cache(), &s, t->stack_low, t->stack_high, &slot);
    if (result != UNWIND_MORE)
        return result == UNWIND_WHOLE ? 0 : NODE_CUT | (uint32_t)result;
    if (slot == 0)
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    if (s.guessed) /* without a table the breakpoint engine shows no frame further here */
        return NODE_CUT | s.guessed;
    return stack_from(t, slot, s.pc, s.bp, s.bx);
}
