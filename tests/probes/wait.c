/* wait.c - allocates, says that it is ready, then does what its first argument says.
 *
 * wait: sleeps for ever; count: counts SIGINTs and says so, ends at SIGTERM with the count as status;
 * spin: computes for ever; stubborn: ignores SIGTERM; fork: leaves a child that sleeps so many seconds
 * (its second argument), ends;
 * churn: allocates for ever; thread: its main thread ends, another sleeps for ever;
 * abort, segv, trap: end by that signal; quick: ends by _exit(5).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;

static void interrupt(int number)
{
    (void)number;
    interrupts++;
    (void)!write(1, "counted\n", 8);
}

static void end(int number)
{
    (void)number;
    _exit(interrupts);
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void churn(void)
{
    for (;;) {
        volatile char *block = malloc(131);
        if (block)
            block[0] = 1;
        free((void *)block);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "wait";
    pthread_t other;
    volatile char *block = malloc(1009);
    if (block)
        block[0] = 1;
    if (!strcmp(what, "count"))
        signal(SIGINT, interrupt), signal(SIGTERM, end);
    if (!strcmp(what, "stubborn"))
        signal(SIGTERM, SIG_IGN);
    if (!strcmp(what, "fork") && fork() == 0)
        sleep(argc > 2 ? atoi(argv[2]) : 1), _exit(0);
    write(1, "ready\n", 6);
    if (!strcmp(what, "fork"))
        return 6;
    if (!strcmp(what, "quick"))
        _exit(5);
    if (!strcmp(what, "abort"))
        abort();
    if (!strcmp(what, "segv"))
        *(volatile char *)8 = 1;
    if (!strcmp(what, "trap"))
        raise(SIGTRAP);
    if (!strcmp(what, "churn"))
        churn();
    if (!strcmp(what, "thread") && !pthread_create(&other, NULL, sleep_for_ever, NULL))
        pthread_exit(NULL);
    while (!strcmp(what, "spin"))
        continue;
    for (;;)
        pause();
}
