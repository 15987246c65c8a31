/* limits_stepped.c - a child limits its own address space, and a signal comes while the recorder makes what it
 * has of its stacks to be forgotten ("within") or has just done so ("behind"). Its handler walks WAYS ways to
 * a malloc, as the child did before and does afterwards.
 */
#define _GNU_SOURCE
#include "own_malloc.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "many_ways.h"

enum { WAYS = 2003, SIZE = 1009, IN_LOOP = 3000, LOOP = 32 };
static int is_within, has_come;
static long turns;
static unsigned long begin;

static void leaf(long way)
{
    (void)way;
    free(malloc(SIZE));
}

static void walk(void)
{
    for (long way = 0; way < WAYS; way++)
        step(way * APART % ALL_WAYS, LEVELS);
}

/* In a loop of many turns, or behind it. */
static void handler(int number, siginfo_t *info, void *context)
{
    unsigned long pc = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    int is_in_loop = pc - begin < LOOP;
    (void)number, (void)info;
    turns = is_in_loop ? turns + 1 : 0;
    static long before;
    if (!has_come && (is_within ? turns == IN_LOOP : before > IN_LOOP && !is_in_loop)) {
        has_come = 1;
        walk();
    }
    before = turns;
    begin = is_in_loop ? begin : pc;
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    const struct rlimit limit = {150 << 20, 150 << 20};
    int status;
    is_within = argc > 1 && strcmp(argv[1], "within") == 0;
    pid_t child = fork();
    if (child != 0)
        return waitpid(child, &status, 0) != child || status != 0;
    walk();
    sigaction(SIGTRAP, &action, NULL);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    int failed = setrlimit(RLIMIT_AS, &limit);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    walk();
    walk();
    _exit(failed ? 2 : has_come ? 0 : 3);
}
