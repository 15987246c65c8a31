/* memo.c - stacks, remembered: cheap where a stack was seen before, true always.
 *
 * A chain is what one unwinding found: return addresses, each in its slot, and, where a frame is
 * found through rbp, the words that rbp was restored from. For the same stack pointer and return
 * address the same chain holds again if memory still has every one of these words: they are all
 * that the unwinding read. So a chain is compared word by word, innermost first, and where a word
 * differs the stack is unwound until the rest is a known chain.
 */
#include "bounds.h"
#include "paths.h"
#include "unwind_step.h"

#define CHAIN_MAX MAX_FRAMES
#define FEW_TRIES 1 /* chains at a frame of a walk: to unwind one frame more takes no longer */
#define NEAR 4      /* frames further in than that; further out at one in so many */
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
    t->paths = 0;
}

void memo_begin_anew(struct thread_state *t, uint64_t slot)
{
    t->memo_busy = slot; /* before: a handler would remember what is then half forgotten */
    __asm__ volatile("" ::: "memory");
    forget_all(t);
}

static inline struct memo_node *push(struct thread_state *t, uint64_t slot, uint64_t pc,
                                     uint64_t bp_in, uint32_t flags)
{
    uint32_t i = t->memo_count++;
    struct memo_node *n = &nodes_of(t)[i];
    words_of(t)[i] = (struct memo_word){slot, pc};
    n->bp_in = bp_in;
    n->next = flags;
    n->path = 0;
    return n;
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
    if (likely(!is_wrapper(ret) || at == 0))
        return;
    skip_wrapper(slot, &s->pc, &s->bp);
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

/* bounds_step(), in line. */
static inline int step(struct thread_state *t, const struct unwind_tables *known,
                       struct unwind_state *s, uint64_t *slot)
{
    int result = unwind_step_inline(known, cache(), s, t->stack_low, t->stack_high, slot);
    if (likely(result == UNWIND_MORE || *slot == 0))
        return result;
    return bounds_cross(t, known, s, slot, result);
}

/* Two may be at work here: one that was interrupted, and a child that goes on in its place. */
static int was_forked(const struct thread_state *t)
{
    return unlikely(*(const volatile uint64_t *)&t->memo_busy & MEMO_FORKED) ||
           unlikely(t->pid != identity()->pid);
}

/* From the frame that was pushed last up to what lies outside: none, a cut, or a known chain. */
static uint32_t climb(struct thread_state *t, struct unwind_state *s)
{
    const struct unwind_tables *known = tables();
    struct memo_node *n = &nodes_of(t)[t->memo_count - 1];
    for (unsigned depth = 1; depth < CHAIN_MAX; depth++) {
        uint64_t pc = s->pc, bp = s->bp;
        uint64_t slot;
        struct answer bounds = bounds_now(t);
        int result = known ? step(t, known, s, &slot) : UNWIND_CUT_UNWINDER;
        if (unlikely(result != UNWIND_MORE))
            return result == UNWIND_WHOLE ? 0 : cut(t, n, s, bounds, result);
        note_step(t, n, pc, bp, s);
        pass_wrapper(t, 1, s, &slot);
        if (slot == 0 && !bounds_around(t, s->sp)) {
            push(t, slot, s->pc, s->bp, 0);
            return NODE_CUT | UNWIND_CUT_UNREADABLE;
        }
        uint32_t rest = 0;
        if (slot && !s->guessed && (depth < NEAR || depth % NEAR == 0 || t->paths == 0))
            rest = remembered(t, slot, s->pc, s->bp, FEW_TRIES);
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
    uint32_t needs = is_node(walk->outer) ? nodes_of(t)[walk->outer].next & MEMO_USES_BP : 0;
    uint32_t to = walk->first;
    for (uint32_t i = t->memo_count; i-- > walk->first;) {
        uint32_t *flags = &nodes_of(t)[i].next;
        if (*flags & MEMO_SAVED_BP) {
            *flags &= needs ? ~0u : ~MEMO_CHECK; /* not to be kept */
            needs = 0;
        } else if (!(*flags & MEMO_CHECK)) {
            needs = *flags |= needs;
            needs &= MEMO_USES_BP;
        }
    }
    for (uint32_t i = walk->first; i < t->memo_count; i++)
        if ((nodes_of(t)[i].next & (MEMO_SAVED_BP | MEMO_CHECK)) != MEMO_SAVED_BP) {
            words_of(t)[to] = words_of(t)[i];
            nodes_of(t)[to++] = nodes_of(t)[i];
        }
    t->memo_count = to;
}

/* In front of a bucket. One that is full is begun anew, and is a short one from then on: an interpreter
 * comes to the same place in thousands of ways, and those before are not found by their turn but all
 * looked at. */
static void put(const struct thread_state *t, uint32_t *bucket, uint32_t i)
{
    uint32_t *link = &nodes_of(t)[i].next, next = *bucket & MEMO_NEXT, many = *bucket & MEMO_MANY;
    uint32_t length = (*bucket & ~MEMO_MANY) / MEMO_LENGTH;
    uint32_t longest = t->memo_count > MEMO_FIRST ? MEMO_LONG : MEMO_LONGEST;
    if (length >= (many ? MEMO_SHORT : longest)) {
        next = length = 0;
        many = MEMO_MANY;
    }
    *link = (*link & ~MEMO_NEXT) | next;
    *bucket = many | (length + 1) * MEMO_LENGTH | i;
}

/* One that was found by its path: it may be in its bucket, or may have gone from there. */
static void put_again(struct thread_state *t, uint32_t found)
{
    const struct memo_word w = words_of(t)[found];
    uint32_t *bucket = &t->buckets[bucket_of(w.slot, w.pc)], i = *bucket & MEMO_NEXT;
    while (i != 0 && i != found)
        i = nodes_of(t)[i].next & MEMO_NEXT;
    if (i != 0)
        bring_forward(t, w.slot, w.pc, found);
    else
        put(t, bucket, found);
}

/* The paths of a walk's frames, from the outermost inwards. Of one that a signal interrupted no word
 * says where it stands, so nothing could prove that it is another one. */
static void note_paths(struct thread_state *t, const struct walk *walk)
{
    uint32_t outer = walk->outer, last = t->memo_count - 1, path = paths_outside_of(t, outer);
    int steady = !(outer & NODE_CUT) || outer == (NODE_CUT | UNWIND_CUT_DEEP) || CUT_VERSION(outer);
    for (uint32_t i = last; i >= walk->first; i--) {
        struct memo_node *n = &nodes_of(t)[i];
        const struct memo_word *w = &words_of(t)[i];
        if (n->next & MEMO_UNSTEADY)
            steady = 0;
        if (n->next & MEMO_CHECK)
            continue;
        if (t->paths != 0) /* all of them at once: each may be where no cache has it */
            __builtin_prefetch(paths_line(t, path));
        path = path_of(path, w->slot, w->pc);
        n->path = steady && w->slot ? path : 0;
    }
}

static uint32_t path_outside(const struct thread_state *t, const struct walk *walk, uint32_t i)
{
    while (++i < t->memo_count)
        if (!(nodes_of(t)[i].next & MEMO_CHECK))
            return nodes_of(t)[i].path;
    return paths_outside_of(t, walk->outer);
}

/* The walk, as far as it is known: from the innermost frame on that is found by its path. 1: all. */
static int is_known(struct thread_state *t, struct walk *walk)
{
    for (uint32_t i = walk->first; i < t->memo_count; i++) {
        const struct memo_node *n = &nodes_of(t)[i];
        if (n->path == 0 || n->next & (MEMO_CHECK | MEMO_WITHIN))
            continue;
        uint32_t outer = path_outside(t, walk, i);
        uint32_t found = paths_find(t, n->path, outer, &words_of(t)[i], n->bp_in);
        if (found == 0)
            continue;
        put_again(t, found);
        t->memo_count = i;
        walk->outer = found;
        return i == walk->first;
    }
    return 0;
}

/* Into the buckets, and to the host, from the outermost inwards. */
static void finish(struct thread_state *t, const struct walk *walk)
{
    uint32_t outer = walk->outer, last = t->memo_count - 1;
    uint64_t top = is_node(outer) ? nodes_of(t)[outer].top : 0;
    for (uint32_t i = last; i >= walk->first && !was_forked(t); i--) {
        struct memo_node *n = &nodes_of(t)[i];
        const struct memo_word *w = &words_of(t)[i];
        top = w->slot > top ? w->slot : top;
        n->top = top;
        n->left = last - i;
        n->parent = walk->outer;
        if (n->next & MEMO_CHECK)
            continue;
        if (n->path != 0 && !(n->next & MEMO_WITHIN)) {
            put(t, &t->buckets[bucket_of(w->slot, w->pc)], i);
            paths_add(t, i, paths_outside_of(t, outer));
        }
        tell(t, i, outer & NODE_CUT ? CUT_TOLD(outer) : outer, w->pc, w->slot);
        outer = i;
    }
}

/* What is left of a step holds what was there before the memory began from the start. No path leads to
 * that: its parents are others now. */
static AGENT_COLD void leave_step(struct thread_state *t, uint32_t end, uint32_t next)
{
    for (uint32_t i = t->memo_count; i < end; i++)
        nodes_of(t)[i].path = 0;
    t->memo_count = next;
}

/* Room for a walk: in the step where the memory has come to, in the next one, or from the start. */
static void make_room(struct thread_state *t)
{
    uint32_t count = t->memo_count;
    int grows = has_steps(t) && area()->memo_grows;
    uint32_t end = has_steps(t) ? MEMO_FIRST : MEMO_FEW;
    if (count > MEMO_FIRST)
        end = count < MEMO_THIRD ? MEMO_SECOND_END : MEMO_THIRD_END;
    if (likely(count != 0 && count + WALK_MAX < end))
        paths_grow(t);
    else if (count != 0 && grows && end != MEMO_THIRD_END)
        leave_step(t, end, end == MEMO_FIRST ? MEMO_SECOND : MEMO_THIRD);
    else
        forget_all(t);
}

static uint32_t unwind(struct thread_state *t, uint64_t slot, uint64_t ret, uint64_t bp,
                       uint64_t bx)
{
    struct unwind_state *s = (struct unwind_state *)t->unwinding;
    make_room(t);
    struct walk walk = {.first = t->memo_count};
    *s = (struct unwind_state){.pc = ret, .sp = slot + 8, .bp = bp, .bx = bx};
    t->misses++;
    push(t, slot, ret, bp, 0);
    struct answer bounds = bounds_now(t);
    walk.outer = climb(t, s);
    note_paths(t, &walk);
    /* As long as the bounds are those of its outermost stack. */
    int known = !was_forked(t) && is_known(t, &walk);
    if (!on_known_stack(t, slot))
        bounds_set(t, bounds);
    if (known) {
#ifdef AGENT_CHECKED
        check_stack(t, slot, ret, bp, bx, walk.outer);
#endif
        return walk.outer;
    }
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

/* Nothing is kept of what two have made. The child will unwind it as its own. */
static AGENT_COLD uint32_t made_by_two(struct thread_state *t)
{
    if (t->pid != identity()->pid)
        return NODE_CUT | UNWIND_CUT_UNREADABLE;
    memo_begin_anew(t, t->memo_busy & ~(uint64_t)MEMO_FORKED);
    t->memo_busy = 0;
    return 0;
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
        memo_begin_anew(t, slot); /* the host may not have been told of all */
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
    if (was_forked(t))
        return made_by_two(t);
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
