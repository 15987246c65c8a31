/* steady.c - allocates for some time. Arguments: milliseconds, or "-" for as long as its standard
 * input is open; exit status; "child" to let a child do the same for twice as long and say so; calls
 * between two rests. After its second rest it says that it has begun. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int input_is_open(void)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, 0) == 0;
}

static void ask(int calls)
{
    for (int i = 0; i < calls; i++)
        free(malloc(1009));
    usleep(5000);
}

int main(int argc, char **argv)
{
    int has_input = argc > 1 && strcmp(argv[1], "-") == 0;
    long until = now_ms() + (argc > 1 ? atol(argv[1]) : 100);
    int is_child = argc > 3 && fork() == 0;
    int calls = argc > 4 ? atoi(argv[4]) : 101;
    until += is_child ? until - now_ms() : 0;
    ask(calls);
    ask(calls);
    if (!is_child)
        puts("begins");
    fflush(stdout);
    while (has_input ? input_is_open() : now_ms() < until)
        ask(calls);
    puts(is_child ? "the child ends" : "ends");
    return argc > 2 ? atoi(argv[2]) : 0;
}
