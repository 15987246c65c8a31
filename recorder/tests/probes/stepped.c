/* stepped.c - signals by the trap flag, behind every instruction of a call of malloc that is not the
 * program's: one in each of 300 calls, in each behind another one. The handler allocates ("stay"), leaves by siglongjmp ("jump"),
 * makes a child that ends at once ("end"), or one that goes on where it was interrupted ("fork").
 * "leave": as "jump", each in a thread of its own, which then ends.
 * A second argument: so many calls instead of 300. Prints what was asked for. */
#define _GNU_SOURCE
#include "own_malloc.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

extern const char __executable_start, etext;
static char way;
static volatile long in_main, in_handler, after, steps, wanted, is_child;
static sigjmp_buf back;

static void handler(int number, siginfo_t *info, void *context)
{
    const char *pc = (const char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)info;
    if (is_child || (pc >= &__executable_start && pc < &etext))
        return;
    steps++;
    if (steps != wanted)
        return;
    if (way == 's') {
        in_handler++;
        free(malloc(1013));
    } else if (way == 'j' || way == 'l') {
        siglongjmp(back, number);
    } else {
        pid_t child = fork();
        is_child = child == 0;
        if (is_child && way == 'e')
            _exit(0);
        if (child && waitpid(child, NULL, 0) == child)
            usleep(5000); /* the recorder sees that it has ended */
    }
}

/* The first time its stack is made known, the second time it is stepped through. */
static __attribute__((noinline)) void malloc_twice(void)
{
    for (long flag = 0; flag <= 0x100; flag += 0x100) {
        in_main++;
        __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"r"(flag) : "memory", "cc");
        malloc(1009);
        __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    }
}

static void one_round(void)
{
    steps = 0;
    if (sigsetjmp(back, 1) == 0)
        malloc_twice();
    free(malloc(is_child ? 1021 : 1019));
    after++;
    if (is_child)
        _exit(0);
}

static void *in_thread(void *nothing)
{
    one_round();
    return nothing;
}

int main(int argc, char **argv)
{
    char text[128];
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    way = argc > 1 ? argv[1][0] : 's';
    sigaction(SIGTRAP, &action, NULL);
    for (long i = 0, count = argc > 2 ? atol(argv[2]) : 300; i < count; i++) {
        wanted = i % 300 + 1;
        pthread_t thread;
        if (way != 'l')
            one_round();
        else if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
            pthread_join(thread, NULL);
    }
    for (int i = 0; i < 20; i++) {
        usleep(10000);
        for (int j = 0; j < 40; j++)
            free(malloc(1031));
    }
    int n =
        snprintf(text, sizeof text, "main %ld handler %ld after %ld\n", in_main, in_handler, after);
    return write(1, text, (size_t)n) != n;
}
