/* limits_with_stacks.c - a program whose stacks are many limits its own address space, and goes on: COUNT
 * threads of it walk WAYS ways to a malloc, before, meanwhile and after; with "child" a fork does.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "many_ways.h"

enum { SIZE = 24 };
static long ways;
static volatile int goes_on = 1;

static void leaf(long way)
{
    (void)way;
    free(malloc(SIZE));
}

static long walk(long rounds)
{
    long done = 0;
    for (; rounds-- > 0; done += ways)
        for (long way = 0; way < ways; way++)
            step(way * APART % ALL_WAYS, LEVELS);
    return done;
}

static void *walks(void *count)
{
    while (goes_on)
        *(long *)count += walk(1);
    *(long *)count += walk(1);
    return NULL;
}

static long limits(rlim_t mib)
{
    const struct rlimit to = {mib << 20, mib << 20};
    return setrlimit(RLIMIT_AS, &to);
}

int main(int argc, char **argv)
{
    pthread_t threads[8];
    long counts[8] = {0}, done = 0;
    int count = argc == 5 ? atoi(argv[1]) : 9;
    if (count > 8)
        return 2;
    ways = atol(argv[2]);
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, walks, &counts[i]))
            return 1;
    done += walk(2);
    if (strcmp(argv[4], "child") == 0 && fork() == 0)
        _exit(walk(1) != ways || limits(strtoul(argv[3], NULL, 10)) || walk(2) != 2 * ways);
    int status = 0;
    if (strcmp(argv[4], "child") == 0)
        wait(&status);
    else
        status = (int)limits(strtoul(argv[3], NULL, 10));
    done += walk(2);
    goes_on = 0;
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        done += counts[i];
    }
    FILE *to = fopen(argc == 5 && getenv("COUNTED") ? getenv("COUNTED") : "/dev/null", "w");
    fprintf(to, "%ld\n", done);
    return status ? 3 : 0;
}
