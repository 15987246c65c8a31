/* handlers.c FILE KIND: signals without end, whose handlers allocate, in each of the ways that a
 * handler can be called; every thread checks that its mask, its registers, errno, its timer and its
 * blocks are as it left them.
 *
 * KIND: plain, siginfo, altstack, nested, coroutines, timers, blocked; or forged, which keeps on its
 * stack what looks like frames of signals, and checks that nobody writes to them (whole: with all that
 * the kernel writes). With broken there is something to be found.
 */
#define _GNU_SOURCE
#include "attached.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#define THREADS 3
#define STACK (256 << 10)
#define BIT(number) (UINT64_C(1) << ((number)-1))

static int flags;                    /* of the handlers */
static int is_nested;                /* a second signal comes while the first is handled */
static int is_broken;                /* a handler changes the mask that it returns to */
static int is_coroutines;            /* handlers switch between two stacks */
static __thread volatile int inside; /* an allocator, which is no place for its own handler */
static ucontext_t contexts[2];
static int current;

static void check(int holds)
{
    if (!holds)
        count(&page->wrong);
}

static void check_mask(uint64_t expected)
{
    uint64_t mask = ~UINT64_C(0);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
    check(mask == expected);
}

/* Callee-saved registers, held over system calls and signals. */
static void check_registers(void)
{
    uint64_t wrong;
    __asm__ volatile("mov $0x1717171717171717, %%r12\n mov %%r12, %%r13\n mov %%r12, %%r14\n"
                     "mov %%r12, %%r15\n mov %%r12, %%rbx\n mov $300, %%ecx\n"
                     "1: mov $39, %%eax\n push %%rcx\n syscall\n pop %%rcx\n dec %%ecx\n jnz 1b\n"
                     "mov $0x1717171717171717, %%rax\n"
                     "cmp %%rax, %%r12\n jne 2f\n cmp %%rax, %%r13\n jne 2f\n cmp %%rax, %%r14\n"
                     "jne 2f\n cmp %%rax, %%r15\n jne 2f\n cmp %%rax, %%rbx\n jne 2f\n"
                     "xor %%eax, %%eax\n 2:\n"
                     : "=a"(wrong)
                     :
                     : "rbx", "rcx", "rdx", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    check(wrong == 0);
}

static void allocate(size_t size)
{
    inside++;
    unsigned char *p = malloc(size);
    memset(p, (int)size, size);
    p = realloc(p, 2 * size);
    for (size_t i = 0; i < size; i++)
        check(p[i] == (unsigned char)size);
    free(p);
    inside--;
}

static void rest(long us)
{
    struct timespec time = {0, us * 1000};
    while (nanosleep(&time, &time) != 0)
        check(errno == EINTR);
}

static void handler(int number)
{
    int before = errno;
    uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
    check(mask & BIT(number));
    check((mask & ~(BIT(SIGALRM) | BIT(SIGUSR1) | BIT(SIGUSR2))) == 0);
    count(&page->signals);
    if (number == SIGALRM && is_nested)
        pthread_kill(pthread_self(), SIGUSR1);
    if (inside)
        rest(100); /* what it interrupted stays where it is for a while */
    else
        allocate(17);
    if (number == SIGALRM && is_coroutines && !inside) {
        int from = current;
        current = !from;
        swapcontext(&contexts[from], &contexts[current]);
    }
    errno = before;
}

static void handler_of_three(int number, siginfo_t *info, void *context)
{
    check(info->si_signo == number && ((ucontext_t *)context)->uc_link == NULL);
    handler(number);
    if (is_broken)
        sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void handle(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (flags & SA_SIGINFO)
        action.sa_sigaction = handler_of_three;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

/* Its own stack for handlers, and its own timer. */
static timer_t prepare_thread(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    inside++;
    stack_t stack = {.ss_sp = malloc(STACK), .ss_size = STACK};
    inside--;
    if (flags & SA_ONSTACK)
        sigaltstack(&stack, NULL);
    event._sigev_un._tid = gettid();
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    return timer;
}

/* Once; again and again, a busy machine would do nothing but handle signals. */
static void signal_in(timer_t timer, long us)
{
    const struct itimerspec once = {{0, 0}, {0, us * 1000}};
    check(timer_settime(timer, 0, &once, NULL) == 0);
}

static void *work(void *unused)
{
    timer_t timer = prepare_thread();
    for (size_t n = 1; !page->end; n++) {
        signal_in(timer, 1 + (long)(n * 7919 % 1009));
        for (int i = 0; i < 20; i++)
            allocate(1 + n * 7919 % 3001);
        check_mask(0);
        errno = 17;
        check_registers();
        check(errno == 17);
        if (n % 16 == 0)
            rest(1000);
        count(&page->rounds);
    }
    inside++; /* the end of a thread frees */
    return unused;
}

/* ---- threads that wait ---- */

static void *wait_blocked(void *unused)
{
    uint64_t usr2 = BIT(SIGUSR2);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &usr2, NULL, sizeof usr2);
    timer_t timer = prepare_thread();
    while (!page->end) {
        signal_in(timer, 17000);
        uint64_t begun = now_ns();
        int ended = poll(NULL, 0, 50);
        check(ended == 0 || (ended == -1 && errno == EINTR));
        check(ended != 0 || now_ns() - begun >= 49000000);
        allocate(1009);
        check_mask(usr2);
        count(&page->rounds);
    }
    inside++; /* the end of a thread frees */
    return unused;
}

/* ---- two stacks, between which the handler switches ---- */

static void coroutine(void)
{
    work(NULL);
    _exit(page->wrong ? 3 : 7);
}

static void run_coroutines(void)
{
    getcontext(&contexts[1]);
    contexts[1].uc_stack = (stack_t){.ss_sp = malloc(STACK), .ss_size = STACK};
    makecontext(&contexts[1], coroutine, 0);
    coroutine();
}

/* ---- what looks like a signal's frame ---- */

#define SELECTORS UINT64_C(0x002b000000000033)
enum { FORMS = 8, WORDS = 400, RIP = 22 };

/* Where the recorder's code is that malloc leads to, if it does; else inside malloc's first bytes. */
static uint64_t pc_of(int form)
{
    uint64_t malloc_ = (uint64_t)malloc;
    const volatile uint8_t *code = (const uint8_t *)malloc_;
    code += code[0] == 0xf3 ? 4 : 0;
    int32_t jump = (int32_t)(code[1] | code[2] << 8 | code[3] << 16 | (uint32_t)code[4] << 24);
    uint64_t stub = code[0] == 0xe9 ? (uint64_t)code + 5 + (uint64_t)jump : (uint64_t)code;
    return form == 0 ? 0 : form < 5 ? (uint64_t)code + form - 1 : stub + (form - 5) % 3;
}

/* Words of a `struct rt_sigframe` from its first one on, the return address of the handler; `whole`
 * of them: also with the marks of vector registers. */
static void forge(volatile uint64_t *w, int form, int whole)
{
    for (int i = 0; i < WORDS; i++)
        w[i] = 0x1000000 + i;
    w[RIP] = pc_of(form);
    w[RIP + 2] = SELECTORS;
    w[RIP - 1] = (uint64_t)w; /* rsp */
    w[29] = whole ? (uint64_t)&w[57] : 0;
    w[57 + 58] = UINT64_C(1024) << 32 | 0x46505853; /* the mark, the size */
    w[57 + 127] = UINT64_C(0x46505845) << 32;
}

static void *keep_forged(void *whole)
{
    volatile uint64_t words[FORMS][WORDS] __attribute__((aligned(64)));
    while (!page->end) {
        for (int form = 0; form < FORMS; form++)
            forge(words[form], form, whole != NULL);
        uint64_t pcs[FORMS];
        for (int form = 0; form < FORMS; form++)
            pcs[form] = words[form][RIP];
        for (int i = 0; i < 20; i++) {
            rest(300);
            for (int form = 0; form < FORMS; form++)
                check(words[form][RIP] == pcs[form]);
        }
        count(&page->rounds);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 2 ? argv[2] : "plain";
    pthread_t threads[THREADS];
    page_open(argv[1]);
    int is_forged = strcmp(kind, "forged") == 0 || strcmp(kind, "whole") == 0;
    void *(*job)(void *) = is_forged                      ? keep_forged
                           : strcmp(kind, "blocked") == 0 ? wait_blocked
                                                          : work;
    flags = SA_RESTART | (strcmp(kind, "plain") ? SA_SIGINFO : 0);
    flags |= strcmp(kind, "altstack") == 0 || strcmp(kind, "blocked") == 0 ? SA_ONSTACK : 0;
    is_nested = strcmp(kind, "nested") == 0;
    is_broken = strcmp(kind, "broken") == 0;
    is_coroutines = strcmp(kind, "coroutines") == 0;
    handle();
    page->pid = (uint64_t)getpid();
    if (is_coroutines)
        run_coroutines();
    void *how = strcmp(kind, "whole") ? NULL : "whole";
    for (int i = 1; i < THREADS; i++)
        pthread_create(&threads[i], NULL, job, how);
    if (strcmp(kind, "timers") == 0) { /* the process's own as well */
        struct itimerval every = {{0, 31000}, {0, 31000}};
        setitimer(ITIMER_REAL, &every, NULL);
    }
    job(how);
    for (int i = 1; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (strcmp(kind, "timers") == 0) {
        struct itimerval left;
        getitimer(ITIMER_REAL, &left);
        check(left.it_interval.tv_usec >= 30000);
    }
    return page->wrong ? 3 : 7;
}
