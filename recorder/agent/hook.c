/* hook.c - everything hooked that is no allocator function: system calls, beginnings of phases,
 * the loader's news. All of it is rare beside the calls.
 */
#include "contract.h"
#include "event.h"
#include "frames.h"

/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
    SYS_mmap = 9,
    SYS_mprotect = 10,
    SYS_munmap = 11,
    SYS_mremap = 25,
    SYS_getpid = 39,
    SYS_clone = 56,
    SYS_fork = 57,
    SYS_vfork = 58,
    SYS_execve = 59,
    SYS_exit = 60,
    SYS_prctl = 157,
    SYS_arch_prctl = 158,
    SYS_setrlimit = 160,
    SYS_gettid = 186,
    SYS_exit_group = 231,
    SYS_prlimit64 = 302,
    SYS_seccomp = 317,
    SYS_execveat = 322,
    SYS_pkey_mprotect = 329,
    SYS_clone3 = 435
};
#define PR_SET_SECCOMP 22  /* linux/prctl.h */
#define ARCH_SET_FS 0x1002 /* asm/prctl.h */
#define RLIMIT_AS 9        /* asm-generic/resource.h */
#define MOST_ASKED 256     /* threads of a program */
#define PR_SET_TSC 26
#define BEHIND 0x8000 /* in the number of a hook */
#define MAP_FIXED 0x10
#define PROT_EXEC 4
#define MAP_ANONYMOUS 0x20
#define NO_NUMBER 0xffffffffu
#define RED_ZONE 128

struct site {
    uint64_t pc; /* behind the syscall instruction */
    uint64_t sp; /* as the target has it there */
    int after;
    uint64_t time; /* when it began */
};

static uint64_t result_time(struct thread_state *t)
{
    uint32_t every = area()->clock;
    return has_both_times(every) ? agent_time(t, every) : 0;
}

/* What a system call was is noted by the stack pointer: a signal may come before it returns, and its
 * handler make system calls as well. One that never returned is passed over. */
static void note_begun(struct thread_state *t, const struct site *site, uint32_t number)
{
    t->sites[t->site_count++ % SITES_BEGUN] = (struct site_begun){site->sp, site->time, number};
}

static uint32_t number_begun(struct thread_state *t, struct site *site)
{
    for (uint32_t back = 1; back <= SITES_BEGUN; back++) {
        const struct site_begun *b = &t->sites[(t->site_count - back) % SITES_BEGUN];
        if (b->sp != site->sp)
            continue;
        t->site_count -= back;
        site->time = b->time;
        return b->number;
    }
    return NO_NUMBER;
}

static void record_syscall(struct thread_state *t, struct hook_stack *s, const struct site *site,
                           uint64_t number, uint64_t result)
{
    uint64_t after, node = stack_at_pc(t, site->pc, site->sp, s->rbp, s->rbx);
    union record *record = ring_reserve(t, RECORD_SIZE(syscall), &after);
    if (record == 0)
        return;
    const uint64_t arguments[6] = {s->rdi, s->rsi, s->rdx, s->r10, s->r8, s->r9};
    record->syscall.time = site->time;
    for (int i = 0; i < 6; i++)
        record->syscall.arguments[i] = arguments[i];
    record->syscall.result = result;
    record->syscall.sp = site->sp;
    record->syscall.pc = site->pc;
    record->syscall.end = result_time(t);
    __atomic_store_n(&record->word, RECORD_SYSCALL | number << 8 | node << 32, __ATOMIC_RELEASE);
}

/* rdtsc may soon be a fault: strict seccomp, or prctl(PR_SET_TSC); and a filter may forbid to
 * sleep. */
static void watch_clock(const struct hook_stack *s)
{
    int prctl = s->rax == SYS_prctl, strict = !prctl && s->rdi == 0;
    if (prctl)
        strict = s->rdi == PR_SET_TSC || (s->rdi == PR_SET_SECCOMP && s->rsi == 1);
    if (strict)
        area()->clock = 0;
    if (!prctl || s->rdi == PR_SET_SECCOMP)
        area()->may_sleep = 0;
}

/* The end of another thread nobody has to know at once. But where a filter might forbid it to ask for
 * its own name (thread_ends), the host looks: a wait for each, so not for too many. */
static int wants_look(void)
{
    return !area()->may_sleep && __sync_fetch_and_add(&area()->names_asked, 1) < MOST_ASKED;
}

static void thread_or_program_ends(struct thread_state *t, struct hook_stack *s)
{
    int guest = thread_is_guest(t);
    if (!guest && (s->rax == SYS_exit_group || t->tid == t->pid || wants_look()))
        ask_host(t, ASK_EXIT, s->rdi, s->rax == SYS_exit_group, 0, 0);
    int lent = guest && thread_is_lent(t);
    if (guest ? !lent : s->rax == SYS_exit)
        thread_ends(t);
}

static int covers(uint64_t start, uint64_t length, uint64_t address)
{
    return address - start < length;
}

/* The thread's last act: munmap and exit are done without a stack, in the tail of the stub. */
static void last_munmap(struct thread_state *t, struct hook_stack *s, const struct site *site)
{
    record_syscall(t, s, site, SYS_munmap, 0);
    if ((area()->hook_kind[s->number & (BEHIND - 1)] & 0xff) == HOOK_LAST_MUNMAP) {
        s->stub = code_head.stubs + (s->number & 0x7fff) * STUB_SIZE + STUB_TAIL;
        thread_ends(t);
    }
}

/* A limit of address space is the program's: beyond a share of it what is ours goes first. A filter
 * may forbid that. */
static void watch_limit(struct thread_state *t, const struct hook_stack *s)
{
    int is_set = s->rax == SYS_setrlimit;
    uint64_t resource = is_set ? s->rdi : s->rsi, limit = is_set ? s->rsi : s->rdx;
    if ((uint32_t)resource != RLIMIT_AS || limit == 0 || !area()->may_sleep)
        return;
    if (!is_set && s->rdi != 0 && (uint32_t)s->rdi != (uint32_t)raw_syscall(SYS_getpid, 0, 0))
        return; /* another's */
    /* What it remembers of stacks may lie there, so handlers of signals remember none meanwhile. A guest's
     * memory is its parent's. */
    uint32_t forgets = t->memo_busy || thread_is_guest(t) ? 0 : t->number;
    if (forgets)
        memo_begin_anew(t, (uint64_t)s);
    struct answer piece;
    while ((piece = ask_host(t, ASK_LIMIT, limit, forgets, 0, 0)).second != 0)
        raw_syscall(SYS_munmap, (long)piece.first, (long)piece.second);
    if (forgets)
        *(volatile uint64_t *)&t->memo_busy = 0;
}

/* A filter may forbid who execs to ask for its number: it is known but to a guest. */
static uint64_t number_at_exec(const struct thread_state *t)
{
    if (!area()->may_sleep && !thread_is_guest(t))
        return t->tid;
    return (uint64_t)raw_syscall(SYS_gettid, 0, 0);
}

/* Whether memory that can be read may be gone afterwards. */
static int takes_away(const struct hook_stack *s)
{
    return s->rax == SYS_munmap || s->rax == SYS_mremap || s->rax == SYS_mprotect ||
           s->rax == SYS_pkey_mprotect || (s->rax == SYS_mmap && (s->r10 & MAP_FIXED));
}

static void before_syscall(struct thread_state *t, struct hook_stack *s, struct site *site)
{
    /* What is not recorded takes no stamp away from what is. */
    site->time = IS_MEMORY_SYSCALL((uint32_t)s->rax) ? agent_time(t, area()->clock) : 0;
    note_begun(t, site, (uint32_t)s->rax);
    if (takes_away(s))
        __sync_fetch_and_add(&area()->unmaps, 1);
    switch (s->rax) {
    case SYS_exit:
    case SYS_exit_group:
        thread_or_program_ends(t, s);
        break;
    case SYS_execve:
    case SYS_execveat:
        ask_host(t, ASK_EXEC, s->rax, number_at_exec(t), s->rdi, s->rsi);
        break;
    case SYS_clone:
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone3:
        child_begins(t, s);
        break;
    case SYS_prctl:
    case SYS_seccomp:
        watch_clock(s);
        break;
    case SYS_setrlimit:
    case SYS_prlimit64:
        watch_limit(t, s);
        break;
    case SYS_arch_prctl: /* the new base may point to anything, or to nothing that can be read */
        if (s->rdi == ARCH_SET_FS && area()->thread_by == THREAD_BY_WORD)
            area()->thread_by = THREAD_BY_ASKING_ALWAYS;
        break;
    case SYS_munmap:
        if (covers(s->rdi, s->rsi, site->sp))
            last_munmap(t, s, site);
        break;
    }
}

static void after_syscall(struct thread_state *t, struct hook_stack *s, struct site *site)
{
    uint32_t number = number_begun(t, site);
    if (number == SYS_execve || number == SYS_execveat)
        ask_host(t, ASK_NO_EXEC, number_at_exec(t), 0, 0, 0);
    if (makes_child(number) && s->rax != 0)
        t->lends = 0;
    if (!IS_MEMORY_SYSCALL(number))
        return;
    int is_file = number == SYS_mmap && !(s->r10 & MAP_ANONYMOUS) && (int32_t)s->r8 >= 0;
    if (is_file && s->rdx & PROT_EXEC)
        area()->unlisted = 1;
    if (is_file && !path_told(t, (uint32_t)s->r8))
        ask_host(t, ASK_MAPPED, s->rax, s->rsi, s->r8, s->rdx);
    record_syscall(t, s, site, number, s->rax);
}

/* The system call has been made: agent_behind, enter.S. */
static int is_behind(const struct hook_stack *s)
{
    return (s->number & BEHIND) != 0;
}

static void at_syscall(struct thread_state *t, struct hook_stack *s, uint64_t kind)
{
    struct site site = {kind >> 8, (uint64_t)(s + 1) + RED_ZONE, is_behind(s), 0};
    if (site.after)
        after_syscall(t, s, &site);
    else
        before_syscall(t, s, &site);
}

static void at_border(struct thread_state *t, struct hook_stack *s, uint64_t kind)
{
    uint64_t sp = (uint64_t)(s + 1) + RED_ZONE;
    if (thread_is_guest(t))
        return;
    uint64_t node = stack_at_entry(t, sp, load(sp), s->rbp, s->rbx);
    ask_host(t, ASK_PHASE, kind >> 8, s->number, sp, node);
}

/* The C library is handed the address of main: it gets that of a stub, which leads there. */
static void at_start(struct thread_state *t, struct hook_stack *s)
{
    struct answer instead = ask_host(t, ASK_START, s->rdi, s->number, 0, 0);
    if (instead.first != 0)
        s->rdi = instead.first;
}

static void libraries_came(struct thread_state *t)
{
    area()->unlisted = 0;
    ask_host(t, ASK_LIBS, 0, 0, 0, 0);
}

static void at_hook(struct thread_state *t, struct hook_stack *s, uint64_t kind)
{
    switch (kind & 0xff) {
    case HOOK_LIBS:
        libraries_came(t);
        break;
    case HOOK_START:
        at_start(t, s);
        break;
    case HOOK_PHASE:
        at_border(t, s, kind);
        break;
    case HOOK_CLONE:
        child_begins(t, s);
        break;
    case HOOK_RELOCATED:
        if (area()->unlisted && !is_behind(s))
            libraries_came(t);
        at_syscall(t, s, kind);
        break;
    case HOOK_LAST_MUNMAP:
    case HOOK_SYSCALL:
        at_syscall(t, s, kind);
        break;
    }
}

/* The kernel leaves in rcx where the system call returned to: a place in a stub, which nobody is to keep. */
static void mend_rcx(struct hook_stack *s, uint64_t kind)
{
    if (is_behind(s) && s->rcx == s->stub - HOOK_CALL_BYTES)
        s->rcx = (kind & 0xff) == HOOK_CLONE ? 0 : kind >> 8;
}

void agent_hook(struct hook_stack *s)
{
    uint64_t kind = area()->hook_kind[s->number & (BEHIND - 1)];
    mend_rcx(s, kind);
    if ((kind & 0xff) == HOOK_FDE) {
        agent_find_fde(s);
        return;
    }
    if (!area()->recording)
        return;
    if ((kind & 0xff) == HOOK_CLONE && is_behind(s)) {
        child_begun(s, HOOK_CLONE_NUMBER(kind));
        return;
    }
    struct thread_state *t = thread_find((uint64_t)s);
    if (t != 0)
        at_hook(t, s, kind);
}
