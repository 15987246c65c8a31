/* forks_inside.c - a signal while the stack of a call of malloc is unwound, in each of ROUNDS calls behind 97
 * instructions more. Its handler makes a child, which goes on there as well, and waits for its end.
 */
#define _GNU_SOURCE
#include "own_malloc.h"
#include <alloca.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { ROUNDS = 23, EACH = 97, DEEP = 9, STEPPED = 0x100 };
extern const char __executable_start, etext;
static long steps, wanted;
static int is_child, is_wrong;

static void handler(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const char *pc = (const char *)registers[REG_RIP];
    int status;
    (void)number, (void)info;
    if ((pc >= &__executable_start && pc < &etext) || ++steps != wanted)
        return;
    registers[REG_EFL] &= ~STEPPED;
    pid_t child = fork();
    is_child = child == 0;
    is_wrong |= child < 0 || (child > 0 && (waitpid(child, &status, 0) != child || status != 0));
}

__attribute__((noinline)) static void deeper(int left)
{
    if (left > 0) {
        deeper(left - 1);
    } else {
        __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(STEPPED) : "memory", "cc");
        malloc(1009);
        __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~STEPPED) : "memory", "cc");
    }
    __asm__ volatile("" ::: "memory"); /* so that no call is the last */
}

__attribute__((noinline)) static void one_round(long number)
{
    *(volatile char *)alloca(16 + 16 * (unsigned long)number) = 0; /* a stack that is new */
    steps = 0;
    wanted = EACH * (number + 1);
    deeper(DEEP);
    free(malloc(is_child ? 1021 : 1019));
    if (is_child)
        _exit(0);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    for (long number = 0; number < ROUNDS; number++)
        one_round(number);
    return is_wrong;
}
