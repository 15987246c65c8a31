/* children.c - what is to be done before and behind a system call that makes a thread or a process. */
#include "event.h"
#include "frames.h"

enum { SYS_clone = 56, SYS_fork = 57, SYS_vfork = 58, SYS_futex = 202, SYS_clone3 = 435 };
#define CLONE_VM 0x100 /* linux/sched.h */
#define CLONE_VFORK 0x4000
#define CLONE_THREAD 0x10000
#define CLONE_SETTLS 0x80000
#define CLONE_CHILD_SETTID 0x1000000
#define CLONE_PARENT_SETTID 0x100000
#define CLONE_ARGS_SIZE_VER0 64
#define FUTEX_WAIT_PRIVATE 128 /* linux/futex.h */
#define EFAULT 14

/* Whether memory can be read: the kernel says so of a futex, which has another value or no time to wait. A
 * filter may forbid to ask. */
static int is_readable(uint64_t at)
{
    const uint64_t no_time[2] = {0, 0};
    return !area()->may_sleep || raw_syscall4(SYS_futex, (long)(at & ~UINT64_C(3)),
                                              FUTEX_WAIT_PRIVATE, -1, (long)no_time) != -EFAULT;
}

/* Who only tries whether there is such a system call gives it nothing, or what is nowhere. */
static int will_fail(const struct hook_stack *s)
{
    return s->rax == SYS_clone3 && (s->rsi < CLONE_ARGS_SIZE_VER0 || !is_readable(s->rdi) ||
                                    !is_readable(s->rdi + CLONE_ARGS_SIZE_VER0 - 1));
}

int makes_child(uint64_t number)
{
    return number == SYS_clone || number == SYS_fork || number == SYS_vfork || number == SYS_clone3;
}

static uint64_t clone_flags(const struct hook_stack *s, uint64_t number)
{
    if (number == SYS_clone3)
        return load(
            s->rdi); /* struct clone_args, linux/sched.h: flags first, parent_tid at 24, tls at 56 */
    return number == SYS_clone ? s->rdi : number == SYS_vfork ? CLONE_VM : 0;
}

/* It will have a pointer, and the kernel writes its number. Nobody else's pointer: else all are known
 * by their numbers from now on. */
static void thread_begins(const struct thread_state *t, const struct hook_stack *s, uint64_t flags,
                          int runs_beside)
{
    int by_struct = s->rax == SYS_clone3, has = (flags & CLONE_SETTLS) != 0;
    uint64_t fs = !has ? t->fs : by_struct ? load(s->rdi + 56) : s->r8;
    uint64_t tid_at = by_struct ? load(s->rdi + 24) : s->rdx;
    if (runs_beside && (fs == 0 || fs == t->fs))
        area()->thread_by = THREAD_BY_NUMBER;
    if (area()->thread_by == THREAD_BY_NUMBER)
        return;
    thread_forget(fs);
    thread_expect(fs, flags & CLONE_PARENT_SETTID ? tid_at : 0);
}

void child_begins(struct thread_state *t, const struct hook_stack *s)
{
    if (will_fail(s))
        return;
    uint64_t flags = clone_flags(s, s->rax);
    int waits = (flags & CLONE_VFORK) != 0 || s->rax == SYS_vfork;
    int runs_beside = (flags & CLONE_VM) != 0 && !waits;
    if (area()->clock > 1 && !waits)
        area()->clock = CLOCK_ORDER;
    if (flags & CLONE_SETTLS || runs_beside)
        thread_begins(t, s, flags, runs_beside);
    if (flags & CLONE_THREAD)
        return;
    if (t->memo_busy && !(flags & CLONE_VM))
        t->memo_busy |= MEMO_FORKED;
    if (flags & CLONE_VM) { /* behind vfork nobody is told that the parent runs again */
        t->lends = waits && s->rax != SYS_vfork;
        identity()->lent |= t->lends ? LENT : LENT_UNTOLD;
    }
    ask_host(t, ASK_FORK, s->rax, flags, 0, 0);
}

/* Where the kernel has written the child's number into the child; 0: nowhere. clone_args has the
 * place at 16. */
static uint64_t child_tid_at(const struct hook_stack *s, uint64_t number)
{
    if (number == SYS_fork || !(clone_flags(s, number) & CLONE_CHILD_SETTID))
        return 0;
    return number == SYS_clone3 ? load(s->rdi + 16) : s->r10;
}

/* Behind a system call that made a child. A child that shares the memory has a life of its own only
 * from its exec on; a forked one introduces itself by being looked for. A filter may forbid it to ask
 * for its number. */
void child_begun(struct hook_stack *s, uint64_t number)
{
    struct thread_state *parent = s->rax != 0 ? thread_find((uint64_t)s) : 0;
    if (parent != 0)
        parent->lends = 0;
    if ((int64_t)s->rax < 0 || (clone_flags(s, number) & CLONE_VM))
        return;
    uint64_t tid_at = child_tid_at(s, number);
    if (s->rax == 0 && tid_at != 0)
        thread_is_alone(*(const volatile uint32_t *)tid_at);
    struct thread_state *t = thread_find((uint64_t)s);
    if (t != 0 && s->rax > 0)
        ask_host(t, ASK_FORKED, s->rax, 0, 0, 0);
}
