/* steady.c - allocates for some time. Arguments: milliseconds, exit status, and "child" to let a
 * child do the same for twice as long and say so, calls between two rests. Says when it begins. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    long until = now_ms() + (argc > 1 ? atol(argv[1]) : 100);
    int is_child = argc > 3 && fork() == 0;
    int calls = argc > 4 ? atoi(argv[4]) : 101;
    until += is_child ? until - now_ms() : 0;
    if (!is_child)
        puts("begins");
    fflush(stdout);
    while (now_ms() < until) {
        for (int i = 0; i < calls; i++)
            free(malloc(1009));
        usleep(5000);
    }
    puts(is_child ? "the child ends" : "ends");
    return argc > 2 ? atoi(argv[2]) : 0;
}
