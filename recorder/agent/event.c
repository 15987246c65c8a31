/* event.c - what runs at an event: an allocator call begins and ends, a system call has been made.
 *
 * quick.S saves every register and hands over what stands on the stack. Most calls it has recorded
 * itself, in the same way.
 */
#include "event.h"
#include "frames.h"

static inline void publish(union record *record, uint64_t word)
{
    __atomic_store_n(&record->word, word, __ATOMIC_RELEASE);
}

/* ---- a call begins ---- */

/* The stack is not known. The caller may be the agent: then another wrapped call has jumped here, and
 * the stack begins behind it. (A frame of its own, gone before the stack is unwound: a signal stack
 * is small.) */
static AGENT_COLD uint64_t behind_wrapper(struct thread_state *t, uint64_t *slot, uint64_t *ret,
                                          uint64_t bx)
{
    uint64_t bp = 0;
    return skip_wrapper(slot, ret, &bp) ? stack_known(t, *slot, *ret, bp, bx) : 0;
}

/* Which of the registers that arguments come in is to be told as number `which`. */
static uint64_t argument(const struct enter_stack *s, uint64_t hook, unsigned which)
{
    unsigned number = hook & HOOK_PICKS ? HOOK_PICK(hook, which) : which;
    return ((const uint64_t *)s)[0x347652 >> 4 * number & 15]; /* words of rdi rsi rdx rcx r8 r9 */
}

/* Before an allocator function. The words between its return address and the caller's are ours. */
void agent_enter(struct enter_stack *s)
{
    uint64_t slot = (uint64_t)&s->ret, ret = s->ret, number = s->thread, bx = s->arg0;
    uint64_t flags = 0, after;
    int searched = s->slot == SLOT_SEARCHED;
    s->slot = 0;
    struct thread_state *t = thread_find(slot);
    if (unlikely(t == 0))
        return;
    uint32_t every = area()->clock;
    uint64_t hook = area()->hook_kind[number], kind = hook & 0xff;
    int late = hook == HOOK_CALL1 && every == CLOCK_ORDER;
    uint64_t time = late ? 0 : agent_time(t, every);
    uint64_t node = searched ? 0 : stack_known(t, slot, ret, s->link, bx);
    if (unlikely(node == 0)) {
        node = behind_wrapper(t, &slot, &ret, bx);
        flags |= slot != (uint64_t)&s->ret ? SLOT_TAIL : 0;
        while (node == 0)
            node = stack_unwound(t, slot, ret, load(slot - 8), bx); /* the rbp of that caller */
    }
    /* A child goes on where its parent was interrupted. */
    if (unlikely(t->pid != identity()->pid)) {
        t = thread_find(slot);
        if (t == 0)
            return;
        node = stack_at_entry(t, slot, ret, load(slot - 8), bx);
    }
    int wide = kind != HOOK_CALL1 || every == 1;
    union record *record = ring_reserve(t, wide ? RECORD_SIZE(call3) : RECORD_SIZE(call), &after);
    if (unlikely(record == 0))
        return;
    uint64_t first = argument(s, hook, 0);
    record->event.time = time;
    if (wide) {
        record->call3.arguments[0] = first;
        record->call3.arguments[1] = argument(s, hook, 1);
        record->call3.arguments[2] = argument(s, hook, 2);
        flags |= SLOT_WIDE;
    } else {
        record->call.argument = first;
    }
    s->arg0 = first;
    flags |= (kind == HOOK_MEMPTR ? SLOT_MEMPTR : 0) | (late ? SLOT_LATE : 0);
    s->slot = (uint64_t)record | flags;
    s->after = after;
    s->thread = (uint64_t)t;
    publish(record, (wide ? RECORD_CALL3 : RECORD_CALL) | number << 8 | node << 32);
}

/* ---- and returns ---- */

/* The record may be filled in as long as nothing follows it: the host has not passed it. */
static inline int is_last(const struct thread_state *t, const struct leave_stack *s)
{
    return *(const volatile uint64_t *)&t->cur == s->after;
}

/* Its return as a record of its own. */
static AGENT_COLD void leave_record(struct leave_stack *s, uint64_t memptr, uint64_t maybe)
{
    uint64_t after;
    struct thread_state *t = thread_find((uint64_t)&s->ret);
    union record *record = t ? ring_reserve(t, RECORD_SIZE(leave), &after) : 0;
    if (record == 0)
        return;
    record->leave.time = agent_time(t, area()->clock);
    record->leave.sp = (uint64_t)&s->ret;
    record->leave.result = s->rax;
    record->leave.memptr = memptr;
    publish(record, RECORD_LEAVE | maybe);
}

static void fill_in(struct thread_state *t, struct leave_stack *s, uint64_t memptr)
{
    union record *record = (union record *)(s->slot & ~(uint64_t)SLOT_FLAGS);
    uint32_t every = area()->clock;
    if (s->slot & SLOT_WIDE) {
        record->call3.result = s->rax;
        record->call3.memptr = memptr;
        record->call3.end = has_both_times(every) ? agent_time(t, every) : 0;
    } else {
        record->call.result = s->rax;
        if (s->slot & SLOT_LATE)
            record->call.time = agent_time(t, every);
    }
    publish(record, record->word | RECORD_DONE);
}

/* Behind it: rax is its result. A child of fork, where the identity pages are empty, must leave the
 * record alone, and looks for its own thread. */
void agent_leave(struct leave_stack *s)
{
    if (s->slot == 0 || (s->slot & SLOT_TAIL) || !area()->recording)
        return;
    struct thread_state *t = (struct thread_state *)s->thread;
    uint64_t memptr = 0, maybe = s->slot & SLOT_WRITTEN ? RECORD_MAYBE : 0;
    if ((s->slot & SLOT_MEMPTR) && (uint32_t)s->rax == 0)
        memptr = load(s->arg0);
    if (!maybe && t->pid == identity()->pid && is_last(t, s)) {
        fill_in(t, s, memptr);
        if (is_last(t, s))
            return;
        maybe = RECORD_MAYBE;
    }
    leave_record(s, memptr, maybe);
}
