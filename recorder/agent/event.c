/* event.c - what runs at an event: an allocator call begins and ends, a system call has been made.
 *
 * The assembly in enter.S saves every register and hands over what stands on the stack.
 */
#include "event.h"
#include "frames.h"

/* Flags in the low bits of saved->slot; records are aligned to 32 bytes. */
#define TAIL 1u   /* jumped to from inside another wrapped call: its return is that one's */
#define MEMPTR 2u /* posix_memalign */
#define WIDE 4u   /* a RECORD_CALL3 */
#define LATE 8u   /* its time stamp is that of its end: CLOCK_ORDER */

static inline uint64_t hook_of(uint64_t number)
{
    return area()->hook_kind[number];
}

static inline void publish(uint64_t *record, uint64_t word)
{
    __atomic_store_n(record, word, __ATOMIC_RELEASE);
}

/* The caller may be the agent: then another wrapped call has jumped here, and the stack begins
 * behind it; *slot and *ret are moved there. Its node, 0: it is not known. (A frame of its own, gone
 * before the stack is unwound: a signal stack is small.) */
static AGENT_COLD AGENT_KEEPS uint64_t behind_wrapper(const struct enter_stack *s,
                                                      struct thread_state *t, uint64_t *slot,
                                                      uint64_t *ret)
{
    return skip_wrapper(slot, ret) ? stack_known(t, *slot, *ret, s->rbp, s->rbx) : 0;
}

static void begin_call(struct enter_stack *s, uint32_t number)
{
    uint64_t hook = hook_of(number), kind = hook & 0xff, slot = (uint64_t)&s->ret;
    uint64_t flags = 0, after;
    struct thread_state *t = thread_find(slot);
    if (unlikely(t == 0))
        return;
    int late = hook == HOOK_CALL1 && area()->clock == CLOCK_ORDER;
    uint64_t time = late ? 0 : agent_time(t);
    uint64_t node = stack_known(t, slot, s->ret, s->rbp, s->rbx);
    if (unlikely(node == 0)) {
        uint64_t begin = slot, ret = s->ret;
        node = behind_wrapper(s, t, &begin, &ret);
        flags |= begin != slot ? TAIL : 0;
        if (node == 0)
            node = stack_unwound(t, begin, ret, s->rbp, s->rbx);
    }
    int wide = kind != HOOK_CALL1 || area()->clock == 1;
    uint64_t *record = (uint64_t *)ring_reserve(t, wide ? 64 : 32, &after);
    if (unlikely(record == 0))
        return;
    record[1] = time;
    record[2] = s->rdi;
    if (wide) {
        record[3] = s->rsi;
        record[4] = s->rdx;
        flags |= WIDE;
    }
    if (kind == HOOK_MEMPTR)
        flags |= MEMPTR;
    if (late)
        flags |= LATE;
    s->slot = (uint64_t)record | flags;
    s->after = after;
    s->arg0 = s->rdi;
    s->thread = (uint64_t)t;
    publish(record, (wide ? RECORD_CALL3 : RECORD_CALL) | (uint64_t)number << 8 | node << 32);
}

/* Before an allocator function. The words between its return address and the caller's are ours. */
AGENT_KEEPS void agent_enter(struct enter_stack *s)
{
    uint32_t number = (uint32_t)s->thread; /* the stub pushed it */
    s->moved = code_head.stubs + (uint64_t)number * STUB_SIZE + STUB_MOVED;
    s->slot = 0;
    if (likely(area()->recording))
        begin_call(s, number);
}

/* The record may be filled in as long as nothing follows it: the host has not passed it. */
static inline int is_last(const struct thread_state *t, const struct leave_stack *s)
{
    return *(const volatile uint64_t *)&t->cur == s->after;
}

/* Its return as a record of its own. */
static AGENT_COLD AGENT_KEEPS void leave_record(struct leave_stack *s, uint64_t memptr,
                                                uint64_t maybe)
{
    uint64_t after;
    struct thread_state *t = thread_find((uint64_t)&s->ret);
    uint64_t *record = t ? (uint64_t *)ring_reserve(t, 64, &after) : 0;
    if (record == 0)
        return;
    record[1] = agent_time(t);
    record[2] = (uint64_t)&s->ret;
    record[3] = s->rax;
    record[4] = memptr;
    publish(record, RECORD_LEAVE | maybe);
}

static inline void fill_in(struct thread_state *t, struct leave_stack *s, uint64_t memptr)
{
    uint64_t *record = (uint64_t *)(s->slot & ~(uint64_t)(SLOT - 1));
    if (s->slot & WIDE) {
        record[5] = s->rax;
        record[6] = memptr;
        record[7] = has_both_times() ? agent_time(t) : 0;
    } else {
        record[3] = s->rax;
        if (unlikely(s->slot & LATE))
            record[1] = agent_time(t);
    }
    publish(record, *record | RECORD_DONE);
}

/* Behind it: rax is its result. A child of fork, where the identity pages are empty, must leave the
 * record alone, and looks for its own thread. */
AGENT_KEEPS void agent_leave(struct leave_stack *s)
{
    if (unlikely(s->slot == 0 || (s->slot & TAIL) || !area()->recording))
        return;
    struct thread_state *t = (struct thread_state *)s->thread;
    uint64_t memptr = 0, maybe = 0;
    if (unlikely((s->slot & MEMPTR) && (uint32_t)s->rax == 0))
        memptr = load(s->arg0);
    if (likely(t->pid == identity()->pid && is_last(t, s))) {
        fill_in(t, s, memptr);
        if (likely(is_last(t, s)))
            return;
        maybe = RECORD_MAYBE;
    }
    leave_record(s, memptr, maybe);
}
