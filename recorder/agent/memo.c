/* memo.c - stacks, remembered: cheap where a stack was seen before, true always.
 *
 * A chain is what one unwinding found: return addresses, each in its slot, and, where a frame is
 * found through rbp, the words that rbp was restored from. For the same stack pointer and return
 * address the same chain holds again if memory still has every one of these words: they are all
 * that the unwinding read. So a chain is compared word by word, innermost first, and where a word
 * differs the stack is unwound until the rest is a known chain.
 */
#include "bounds.h"

#define CHAIN_MAX MAX_FRAMES
#define FEW_TRIES 4 /* chains at each frame of a walk: to unwind one frame more takes no longer */
#define WALK_MAX (5 * CHAIN_MAX) /* nodes: a frame and at most four checks each */
_Static_assert(sizeof(struct unwind_state) <= sizeof((struct thread_state *)0)->unwinding, "room");

static struct unwind_cache *cache(void)
{
    return in_area(AREA_CACHE_AT);
}

/* ---- telling the host ---- */

static void tell(struct thread_state *t, uint32_t id, uint32_t parent, uint64_t pc, uint64_t slot)
{
    uint64_t after;
    union record *record = ring_reserve(t, RECORD_SIZE(node), &after);
    if (record == 0)
        return;
    record->node.parent = parent;
    record->node.pc = pc;
    record->node.slot = slot;
    __atomic_store_n(&record->word, RECORD_NODE | (uint64_t)id << 32, __ATOMIC_RELEASE);
}

/* ---- unwinding anew ---- */

/* A chain being made: nodes from `first` on, and what lies outside of the last. */
struct walk {
    uint32_t first, outer;
};

static AGENT_COLD void forget_all(struct thread_state *t)
{
    for (uint32_t i = 0; i < MEMO_BUCKETS; i++)
        t->buckets[i] = 0;
    t->memo_count = 1;
}

static struct memo_node *push(struct thread_state *t, uint64_t slot, uint64_t pc, uint64_t bp_in,
                              uint32_t flags)
{
    uint32_t i = t->memo_count++;
    t->words[i] = (struct memo_word){slot, pc};
    t->nodes[i] = (struct memo_node){.bp_in = bp_in, .next = flags};
    return &t->nodes[i];
}

/* What the frame's way out rests on besides its return address: rbp where its CFA is counted from
 * it, the place where rbp was saved, other words. */
static void note_step(struct thread_state *t, struct memo_node *n, uint64_t pc, uint64_t bp,
                      const struct unwind_state *s)
{
    n->next |= s->kind == UNWIND_BP || s->kind == UNWIND_AT_BP ? MEMO_USES_BP : 0;
    if (s->bp_from)
        push(t, s->bp_from, s->bp, 0, MEMO_CHECK | MEMO_SAVED_BP);
    if (s->kind == UNWIND_AT_BP) {
        uint64_t row = unwind_row(tables(), cache(), pc);
        push(t, bp + (uint64_t)UNWIND_CFA(row), s->sp, 0, MEMO_CHECK);
    } else if (s->kind == UNWIND_BX || s->kind == UNWIND_SIGNAL || s->kind == UNWIND_AT_SP) {
        n->next |= MEMO_UNSTEADY;
    }
}

/* A frame of the agent's own stands between a function and its caller: past it. */
static void pass_wrapper(struct thread_state *t, int note, struct unwind_state *s, uint64_t *slot)
{
    uint64_t at = *slot, ret = s->pc;
    if (likely(at == 0 || !skip_wrapper(slot, &s->pc, &s->bp)))
        return;
    if (note) {
        push(t, at, ret, 0, MEMO_CHECK);
        push(t, *slot - 8, s->bp, 0, MEMO_CHECK | MEMO_SAVED_BP);
    }
    s->sp = *slot + 8;
    s->row = 0;
}

/* Whether the frame is as far as a step may lead because no call stands before the word that would be
 * the return address; then that word is one of the chain's. */
static int no_call_before(struct thread_state *t, struct memo_node *n, const struct unwind_state *s,
                          uint64_t row)
{
    unsigned kind = UNWIND_KIND(row);
    uint64_t cfa = UNWIND_CFA(row) + (kind == UNWIND_SP ? s->sp : s->bp);
    if ((kind != UNWIND_SP && kind != UNWIND_BP) || cfa <= s->sp || !on_known_stack(t, cfa - 8))
        return 0;
    uint64_t ret = load(cfa - 8);
    uint64_t outer = ret ? unwind_row(tables(), cache(), ret) : 0;
    if (outer & (UNWIND_CALLED | UNWIND_RESTORER))
        return 0;
    n->next |= kind == UNWIND_BP ? MEMO_USES_BP : 0;
    push(t, cfa - 8, ret, 0, MEMO_CHECK);
    return 1;
}

/* What lies outside of the last frame, where a step to `result` led no further. If that follows from
 * the chain's words and the tables alone, it is so again as long as they are the same. `before`: the
 * bounds of the stack. */
static uint32_t cut(struct thread_state *t, struct memo_node *n, const struct unwind_state *s,
                    struct answer before, int result)
{
    const struct unwind_tables *known = tables();
    uint32_t end = NODE_CUT | (uint32_t)result;
    if (result != UNWIND_CUT_UNSUPPORTED || known->version > CUT_VERSION_MAX ||
        before.second != t->stack_high)
        return end;
    uint64_t row = unwind_row(known, cache(), s->pc);
    int has_no_table = UNWIND_KIND(row) == UNWIND_NO_TABLE;
    int ends_guess = n->next & MEMO_WITHIN && !(row & UNWIND_SYNTHETIC);
    if (!has_no_table && !ends_guess && !no_call_before(t, n, s, row))
        return end;
    return end | known->version << 8;
}

/* From the frame that was pushed last up to what lies outside: none, a cut, or a known chain. */
static uint32_t climb(struct thread_state *t, struct unwind_state *s)
{
    const struct unwind_tables *known = tables();
    struct memo_node *n = &t->nodes[t->memo_count - 1];
    for (unsigned depth = 1; depth < CHAIN_MAX; depth++) {
        uint64_t pc = s->pc, bp = s->bp;
        uint64_t slot;
        struct answer bounds = bounds_now(t);
        int result = known ? bounds_step(t, known, s, &slot) : UNWIND_CUT_UNWINDER;
        if (result != UNWIND_MORE)
            return result == UNWIND_WHOLE ? 0 : cut(t, n, s, bounds, result);
        note_step(t, n, pc, bp, s);
        pass_wrapper(t, 1, s, &slot);
        if (slot == 0 && !bounds_around(t, s->sp)) {
            push(t, slot, s->pc, s->bp, 0);
            return NODE_CUT | UNWIND_CUT_UNREADABLE;
        }
        uint32_t rest = slot && !s->guessed ? remembered(t, slot, s->pc, s->bp, FEW_TRIES) : 0;
        if (rest != 0) {
            bring_forward(t, slot, s->pc, rest);
            return rest;
        }
        n = push(t, slot, s->pc, s->bp, s->guessed ? MEMO_WITHIN : 0);
    }
    return NODE_CUT | UNWIND_CUT_DEEP;
}

static int is_node(uint32_t id)
{
    return id != 0 && !(id & NODE_CUT);
}

/* Which frames need rbp to be what it was, from the outermost inwards. Where rbp was saved matters
 * only if a frame further out needs it: the other checks go, and what stays closes up. */
static void close_up(struct thread_state *t, const struct walk *walk)
{
    uint32_t needs = is_node(walk->outer) ? t->nodes[walk->outer].next & MEMO_USES_BP : 0;
    uint32_t to = walk->first;
    for (uint32_t i = t->memo_count; i-- > walk->first;) {
        uint32_t *flags = &t->nodes[i].next;
        if (*flags & MEMO_SAVED_BP) {
            *flags &= needs ? ~0u : ~MEMO_CHECK; /* not to be kept */
            needs = 0;
        } else if (!(*flags & MEMO_CHECK)) {
            needs = *flags |= needs;
            needs &= MEMO_USES_BP;
        }
    }
    for (uint32_t i = walk->first; i < t->memo_count; i++)
        if ((t->nodes[i].next & (MEMO_SAVED_BP | MEMO_CHECK)) != MEMO_SAVED_BP) {
            t->words[to] = t->words[i];
            t->nodes[to++] = t->nodes[i];
        }
    t->memo_count = to;
}

/* In front of a bucket. One that is full is begun anew: an interpreter comes to the same place in
 * thousands of ways, and those before are not found by their turn but all looked at. */
static void put(const struct thread_state *t, struct memo_node *n, uint32_t *bucket, uint32_t i)
{
    uint32_t length = *bucket ? t->nodes[*bucket].length : 0;
    n->length = length < MEMO_LONGEST ? length + 1 : 1;
    n->next |= length < MEMO_LONGEST ? *bucket : 0;
    *bucket = i;
}

/* Into the buckets, and to the host, from the outermost inwards. */
static void finish(struct thread_state *t, const struct walk *walk)
{
    uint32_t outer = walk->outer, last = t->memo_count - 1;
    int steady = !(outer & NODE_CUT) || outer == (NODE_CUT | UNWIND_CUT_DEEP) || CUT_VERSION(outer);
    uint64_t top = is_node(outer) ? t->nodes[outer].top : 0;
    for (uint32_t i = last; i >= walk->first; i--) {
        struct memo_node *n = &t->nodes[i];
        const struct memo_word *w = &t->words[i];
        top = w->slot > top ? w->slot : top;
        n->top = top;
        n->left = last - i;
        n->parent = walk->outer;
        if (n->next & MEMO_UNSTEADY)
            steady = 0;
        if (n->next & MEMO_CHECK)
            continue;
        if (steady && !(n->next & MEMO_WITHIN))
            put(t, n, &t->buckets[bucket_of(w->slot, w->pc)], i);
        tell(t, i, outer & NODE_CUT ? CUT_TOLD(outer) : outer, w->pc, w->slot);
        outer = i;
    }
}

/* How many nodes there is room for. */
static uint32_t memo_room(const struct thread_state *t)
{
    return t->number == 1 ? MEMO_NODES : MEMO_FEW;
}

static uint32_t unwind(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                       uint64_t bx)
{
    struct unwind_state *s = (struct unwind_state *)t->unwinding;
    if (t->memo_count == 0 || t->memo_count + WALK_MAX >= memo_room(t))
        forget_all(t);
    struct walk walk = {.first = t->memo_count};
    *s = (struct unwind_state){.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    t->misses++;
    push(t, slot, ret, bp, 0);
    struct answer bounds = bounds_now(t);
    walk.outer = climb(t, s);
    if (!on_known_stack(t, slot))
        bounds_set(t, bounds);
    close_up(t, &walk);
    finish(t, &walk);
    return walk.first;
}

/* Without remembering: a signal interrupted this very code. */
static inline __attribute__((always_inline)) uint32_t
unwind_once(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp, uint64_t bx)
{
    struct unwind_state s = {.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    uint32_t first = NODE_ONCE + t->once_count % NODE_ONCE_RING, id = first;
    const struct unwind_tables *known = tables();
    t->once++;
    for (unsigned depth = 1;; depth++) {
        uint64_t pc = s.pc, here = slot;
        int result = UNWIND_CUT_DEEP;
        if (depth < CHAIN_MAX)
            result = known ? bounds_step(t, known, &s, &slot) : UNWIND_CUT_UNWINDER;
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

/* Whether the call that uses the remembered stacks is one that a signal handler interrupted. Else
 * the handler has left it for good, by siglongjmp: whoever is further out on the same stack proves
 * it. */
static AGENT_COLD int is_interrupted(const struct thread_state *t, uint64_t slot)
{
    return !on_known_stack(t, t->memo_busy) || slot < t->memo_busy;
}

/* Remembered on the way, unless a signal interrupted this very code. */
uint32_t stack_unwound(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                       uint64_t bx)
{
    struct answer before = bounds_now(t);
    int was_searched = on_known_stack(t, slot) && !t->memo_busy; /* stack_known() */
    if (unlikely(!bounds_around(t, slot)))
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    if (unlikely(t->memo_busy)) {
        if (is_interrupted(t, slot)) {
            uint32_t once = unwind_once(t, slot, ret, bp, bx);
            bounds_set(t, before); /* that code goes on with them */
            return once;
        }
        forget_all(t); /* the host may not have been told of all */
    }
    t->memo_busy = slot;
    __asm__ volatile("" ::: "memory");
    uint32_t found = 0; /* on another stack than before it may be known */
    if (!was_searched)
        found = remembered(t, slot, ret, bp, MEMO_LONGEST);
    if (found == 0)
        found = unwind(t, slot, ret, bp, bx);
    else
        t->hits++;
    __asm__ volatile("" ::: "memory");
    t->memo_busy = 0;
    return found;
}

uint32_t stack_at_pc(struct thread_state *t, uint64_t pc, uint64_t sp, uint64_t bp, uint64_t bx)
{
    struct unwind_state s = {.pc = pc, .sp = sp, .bp = bp, .bx = bx};
    const struct unwind_tables *known = tables();
    uint64_t slot;
    if (known == 0 || !bounds_around(t, sp))
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    int result = bounds_step(t, known, &s, &slot);
    if (result != UNWIND_MORE)
        return result == UNWIND_WHOLE ? 0 : NODE_CUT | (uint32_t)result;
    if (slot == 0)
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    if (s.guessed) /* without a table the breakpoint engine shows no frame further here */
        return NODE_CUT | UNWIND_CUT_UNSUPPORTED;
    return stack_at_entry(t, slot, s.pc, s.bp, s.bx);
}
