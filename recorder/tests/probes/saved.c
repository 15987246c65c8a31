/* saved.c FILE KIND [local]: a handler of a signal switches to another stack, and what it interrupted waits,
 * as long as the test wants: nobody runs it, and no thread's stack tells of it.
 *
 * It was interrupted in: syscall, a system call by syscall(); call, an allocator function, which writes
 * to memory that nobody may write to; copied, as syscall, but the handler copies the registers, and
 * lets its thread go on elsewhere; own, as copied, in a format of its own, which has no selectors; entry, the first bytes of malloc, step by step (the trap flag);
 * elsewhere, code of the program's own.
 * local: its stack is a variable of main, and so is the one, higher up, on which the program runs.
 * The page: go 1: begin, done 1: it waits, go 2: let it go on, done 2: it went on well. go 3: begin this
 * program anew as soon as the code of free is changed.
 */
#define _GNU_SOURCE
#include "attached.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define STACK (64 << 10)
#define TRAP_FLAG 0x100

static const char *kind;
static ucontext_t home, away;
static gregset_t copy;
static void **unwritable;
static char *below; /* a stack; NULL: of the heap */
static char **words;
static volatile int steps;

static int is(const char *word)
{
    return strcmp(kind, word) == 0;
}

static int is_copied(void)
{
    return is("copied") || is("own");
}

static void rest(void)
{
    const struct timespec time = {0, 1000000};
    nanosleep(&time, NULL);
}

static void go_home(void)
{
    setcontext(&home);
}

static void handler(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    steps++;
    if (number == SIGTRAP) {
        uint64_t in = (uint64_t)registers[REG_RIP] - (uint64_t)malloc;
        if (in == 0 || in >= 5)
            return;
        registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    }
    if (number == SIGSEGV)
        mprotect(unwritable, 4096, PROT_READ | PROT_WRITE);
    if (number == SIGUSR1) {
        copy[REG_CSGSFS] = registers[REG_CSGSFS];
        memcpy(registers, copy, sizeof copy);
    } else if (is_copied()) {
        memcpy(copy, registers, sizeof copy);
        if (is("own"))
            copy[REG_CSGSFS] = 0;
        registers[REG_RIP] = (greg_t)go_home;
        registers[REG_RSP] = ((registers[REG_RSP] - 1024) & ~15) - 8;
    } else {
        swapcontext(&away, &home);
    }
    (void)info;
}

static void coroutine(void)
{
    void *p = NULL;
    int well = is("entry");
    const struct itimerspec soon = {{0, 0}, {0, 20000000}};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    if (!is("call") && !is("entry"))
        timer_settime(timer, 0, &soon, NULL);
    if (is("call"))
        well = posix_memalign(unwritable, 64, 1009) == 0 && *unwritable != NULL;
    else if (is("elsewhere"))
        while (!steps)
            well = 1;
    else if (is("entry"))
        __asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n orl %0, (%%rsp)\n popfq\n"
                         "lea 128(%%rsp), %%rsp"
                         :
                         : "i"(TRAP_FLAG)
                         : "memory", "cc");
    else
        well = syscall(SYS_pause) == -1 && errno == EINTR;
    p = malloc(1013);
    if (!well || p == NULL)
        count(&page->wrong);
    free(p);
    page->done = 2;
    setcontext(&home);
}

static void handle(int number, int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
}

/* On its own stack, until it waits. */
static void begin(void)
{
    volatile int was_here = 0;
    getcontext(&home);
    if (was_here)
        return;
    was_here = 1;
    getcontext(&away);
    away.uc_stack = (stack_t){.ss_sp = below ? below : malloc(STACK), .ss_size = STACK};
    makecontext(&away, coroutine, 0);
    setcontext(&away);
}

static void go_on(void)
{
    volatile int was_here = 0;
    getcontext(&home);
    if (was_here)
        return;
    was_here = 1;
    if (is_copied())
        raise(SIGUSR1);
    else
        setcontext(&away);
}

static void begin_anew(void)
{
    char *anew[] = {words[0], words[1], "elsewhere", NULL};
    if (*(volatile unsigned char *)free != 0xe9)
        return;
    page->done = 2;
    execv(words[0], anew);
    count(&page->wrong);
}

static void loop(void)
{
    while (!page->end) {
        free(malloc(17));
        if (page->go == 1 && page->done == 0) {
            begin();
            page->done = 1;
        } else if (page->go == 2 && page->done == 1) {
            go_on();
        } else if (page->go == 3 && page->done == 1) {
            begin_anew();
        }
        rest();
        count(&page->rounds);
    }
    exit(page->wrong || page->done == 1 ? 3 : 7);
}

static void loop_on(char *stack)
{
    static ucontext_t context;
    getcontext(&context);
    context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = STACK};
    makecontext(&context, loop, 0);
    setcontext(&context);
}

int main(int argc, char **argv)
{
    char stacks[2 * STACK];
    kind = argc > 2 ? argv[2] : "syscall";
    words = argv;
    page_open(argv[1]);
    unwritable = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = {.ss_sp = malloc(STACK), .ss_size = STACK};
    sigaltstack(&stack, NULL);
    handle(SIGALRM, is_copied() ? SA_ONSTACK : 0);
    if (is("call"))
        handle(SIGSEGV, SA_RESETHAND);
    handle(SIGTRAP, 0);
    handle(SIGUSR1, SA_ONSTACK);
    page->pid = (uint64_t)getpid();
    if (argc > 3) {
        below = stacks;
        loop_on(stacks + STACK);
    }
    loop();
}
