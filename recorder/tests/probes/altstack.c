/* altstack.c - malloc in a handler on an alternate stack, a page of guard below. Arguments: its bytes
 * beyond the kernel's own frame, or "all" and all its bytes. Prints what was used. The signals are
 * raised, then a timer's land anywhere. */
#define _GNU_SOURCE
#include "own_malloc.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
static void *volatile kept[8];
static volatile long handled;

static void handler(int number)
{
    kept[0] = malloc(1013);
    free(kept[0]);
    handled++;
    (void)number;
}

static void storm(void)
{
    struct itimerval often = {{0, 150}, {0, 150}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < 599)
        free(malloc(1009));
    setitimer(ITIMER_REAL, &never, NULL);
}

static size_t size_of(int argc, char **argv)
{
    if (argc > 2)
        return (size_t)atol(argv[2]);
    return getauxval(AT_MINSIGSTKSZ) + (argc > 1 ? (size_t)atol(argv[1]) : 2048);
}

int main(int argc, char **argv)
{
    size_t size = size_of(argc, argv), used = 0, room = (size + 4095) & ~(size_t)4095;
    char *memory = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, 0x22, -1, 0);
    mprotect(memory, 4096, PROT_NONE);
    char *stack = memory + 4096 + room - size;
    memset(memory + 4096, 0x5a, room);
    stack_t alt = {.ss_sp = stack, .ss_size = size};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&alt, NULL) || sigaction(SIGUSR1, &action, NULL) ||
        sigaction(SIGALRM, &action, NULL))
        return 77;
    for (int i = 0; i < 101; i++)
        raise(SIGUSR1);
    storm();
    while (used < room && memory[4096 + used] == 0x5a)
        used++;
    fprintf(stderr, "used %zu of %zu\n", room - used, size);
    printf("%s\n", room - used <= size ? "it was enough" : "it was NOT enough");
    return 7;
}
