/* spawning.c - starts one program after the other by posix_spawn, beside a thread that allocates, until
 * SIGTERM; then says how many it has started. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ends;

static void end(int number)
{
    (void)number;
    ends = 1;
}

static void *allocate(void *unused)
{
    while (!ends)
        free(malloc(1009));
    return unused;
}

int main(void)
{
    pthread_t thread;
    unsigned started = 0;
    char *words[] = {"true", NULL};
    signal(SIGTERM, end);
    if (pthread_create(&thread, NULL, allocate, NULL) != 0)
        return 77;
    for (pid_t child; !ends; started++)
        if (posix_spawnp(&child, "true", NULL, NULL, words, environ) != 0 ||
            waitpid(child, NULL, 0) != child)
            return 1;
    pthread_join(thread, NULL);
    return started > 0 ? 7 : 2;
}
