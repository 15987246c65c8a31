/* heir.c - who goes on where a recorder was killed (heir.h).
 *
 * The kernel stops a dying process before its memory goes, for whoever traces it and has asked for that
 * (PTRACE_EVENT_EXIT), also one that SIGKILL ends. The heir shares this memory. So it takes over the
 * registers, as the return from a signal's handler sets them, and what was being done is done to its
 * end, be it in the middle of an event. Until then it runs nothing of libc that writes, for thread-local
 * variables are shared too. As long as it lives the dead one is held, and with it our place in the eyes
 * of the target (last_word.c). What it cannot have is what we trace: where a thread of the target stands
 * for us (hold.h), or the memory is no longer to be trusted, it does nothing.
 *
 * Killed together with us, by its own number or where memory is short, it is of no use: then what is
 * lost is counted (drain/unread.h).
 */
#define _GNU_SOURCE
#include "heir.h"
#include "base/hold.h"

#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define WAKE SIGUSR2 /* to itself */
/* asm/sigcontext.h: the words of software's own in the state of the processor, and which of them says
 * how large that is */
#define OWN_WORDS 464
#define OWN_WORDS_END 512
#define OWN_SIZE 16
#define REST_NS 50000 /* as long as it takes where a processor is free */
#define MOST_RESTS 20000

static char stack[1 << 16] __attribute__((aligned(64)));
static volatile int may_trace, is_ready;
static pid_t heir, former;
static void (*begin_as_heir)(void);
static struct user_regs_struct registers;
static char state[1 << 14] __attribute__((aligned(64)));
static size_t state_size;
static sigset_t mask; /* the former's */

static long call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static long trace(long request, long address, void *data)
{
    return call(SYS_ptrace, request, former, address, (long)data);
}

/* ---- becoming it ---- */

/* A system call that was waiting begins again (linux/errno.h: ERESTARTSYS and its like). */
static void begin_call_again(void)
{
    static const long broken_off[] = {-4, -512, -513, -514, -516};
    for (size_t i = 0; i < sizeof broken_off / sizeof *broken_off; i++)
        if ((long)registers.orig_rax >= 0 && (long)registers.rax == broken_off[i]) {
            registers.rip -= 2;
            registers.rax = registers.orig_rax;
            return;
        }
}

static void become(int number, siginfo_t *info, void *context)
{
    ucontext_t *to = context;
    const struct user_regs_struct *from = &registers;
    char *floats = (char *)to->uc_mcontext.fpregs;
    uint32_t size;
    (void)number;
    (void)info;
    memcpy(&size, floats + OWN_WORDS + OWN_SIZE, sizeof size);
    size = size < state_size ? size : (uint32_t)state_size;
    memcpy(floats, state, OWN_WORDS);
    memcpy(floats + OWN_WORDS_END, state + OWN_WORDS_END, size - OWN_WORDS_END);
    /* clang-format off */
    const greg_t general[] = {
        [REG_R8] = (greg_t)from->r8,      [REG_R9] = (greg_t)from->r9,
        [REG_R10] = (greg_t)from->r10,    [REG_R11] = (greg_t)from->r11,
        [REG_R12] = (greg_t)from->r12,    [REG_R13] = (greg_t)from->r13,
        [REG_R14] = (greg_t)from->r14,    [REG_R15] = (greg_t)from->r15,
        [REG_RDI] = (greg_t)from->rdi,    [REG_RSI] = (greg_t)from->rsi,
        [REG_RBP] = (greg_t)from->rbp,    [REG_RBX] = (greg_t)from->rbx,
        [REG_RDX] = (greg_t)from->rdx,    [REG_RAX] = (greg_t)from->rax,
        [REG_RCX] = (greg_t)from->rcx,    [REG_RSP] = (greg_t)from->rsp,
        [REG_RIP] = (greg_t)from->rip,    [REG_EFL] = (greg_t)from->eflags,
    };
    /* clang-format on */
    memcpy(to->uc_mcontext.gregs, general, sizeof general);
    memcpy(&to->uc_sigmask, &mask, _NSIG / 8); /* the kernel keeps so many, libc more */
    begin_as_heir();
}

/* All that it had: false where that cannot be had. */
static _Bool inherit(void)
{
    struct iovec all = {state, sizeof state};
    if (hold_is_on() || trace(PTRACE_GETREGS, 0, &registers) != 0 ||
        trace(PTRACE_GETREGSET, NT_X86_XSTATE, &all) != 0 || all.iov_len < OWN_WORDS_END)
        return 0;
    state_size = all.iov_len;
    begin_call_again();
    return 1;
}

static void go_on(void)
{
    struct sigaction action = {.sa_sigaction = become, .sa_flags = SA_SIGINFO};
    sigset_t this;
    sigemptyset(&this);
    sigaddset(&this, WAKE);
    sigaction(WAKE, &action, NULL);
    kill(getpid(), WAKE);
    sigprocmask(SIG_UNBLOCK, &this, NULL); /* it is delivered here, and does not come back */
}

/* ---- waiting for it ---- */

/* It has stopped: the way it goes on, or ends. */
static void pass(int status)
{
    int event = status >> 16, number = WSTOPSIG(status);
    unsigned long end = 0;
    if (event == PTRACE_EVENT_EXIT) {
        trace(PTRACE_GETEVENTMSG, 0, &end);
        if (end == SIGKILL && inherit())
            go_on();
        call(SYS_exit_group, 0, 0, 0, 0);
    }
    if (event == PTRACE_EVENT_STOP && number != SIGTRAP)
        trace(PTRACE_LISTEN, 0, NULL);
    else
        trace(PTRACE_CONT, 0, (void *)(long)(event ? 0 : number));
}

static int wait_for_end(void *nothing)
{
    int status;
    (void)nothing;
    call(SYS_prctl, PR_SET_NAME, (long)"brkpoint-heir", 0, 0);
    call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
    while (!may_trace && call(SYS_getppid, 0, 0, 0, 0) == former)
        call(SYS_sched_yield, 0, 0, 0, 0);
    long problem = trace(PTRACE_SEIZE, 0, (void *)PTRACE_O_TRACEEXIT);
    is_ready = 1;
    if (problem == 0)
        while (call(SYS_wait4, former, (long)&status, __WALL, 0) == former && WIFSTOPPED(status))
            pass(status);
    call(SYS_exit_group, 0, 0, 0, 0);
    return 0;
}

/* On a busy machine its turn may come late: killed before, we would have none. */
static void wait_until_ready(void)
{
    const struct timespec rest = {0, REST_NS};
    for (int i = 0; i < MOST_RESTS && !is_ready && waitpid(heir, NULL, __WALL | WNOHANG) == 0; i++)
        nanosleep(&rest, NULL);
}

void heir_make(void (*begin)(void))
{
#if defined(__SANITIZE_ADDRESS__)
    (void)begin; /* its own memory tells of one process only */
#else
    sigset_t all;
    begin_as_heir = begin;
    former = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &mask); /* of the heir: it handles nothing until it is one */
    heir = clone(wait_for_end, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (heir > 0)
        prctl(PR_SET_PTRACER, heir, 0, 0, 0); /* where Yama lets parents alone trace */
    may_trace = 1;
    if (heir > 0)
        wait_until_ready();
#endif
}

void heir_dismiss(void)
{
    if (heir <= 0 || getpid() != former || waitpid(heir, NULL, __WALL | WNOHANG) != 0)
        return;
    kill(heir, SIGKILL);
    waitpid(heir, NULL, __WALL);
}
