/* altstack.c - malloc in a handler on an alternate stack, the smallest that the kernel takes and a
 * page of guard below. Argument: the bytes beyond the kernel's own frame. Prints what was used. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
static void *volatile kept[8];

static void handler(int number)
{
    kept[0] = malloc(1009);
    free(kept[0]);
    (void)number;
}

int main(int argc, char **argv)
{
    size_t size = getauxval(AT_MINSIGSTKSZ) + (argc > 1 ? (size_t)atol(argv[1]) : 2048), used = 0;
    size_t room = (size + 4095) & ~(size_t)4095;
    char *memory = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, 0x22, -1, 0);
    mprotect(memory, 4096, PROT_NONE);
    char *stack = memory + 4096 + room - size;
    memset(memory + 4096, 0x5a, room);
    stack_t alt = {.ss_sp = stack, .ss_size = size};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    if (sigaltstack(&alt, NULL) || sigaction(SIGUSR1, &action, NULL))
        return 77;
    free(malloc(1009));
    for (int i = 0; i < 101; i++)
        raise(SIGUSR1);
    while (used < room && memory[4096 + used] == 0x5a)
        used++;
    fprintf(stderr, "used %zu of %zu\n", room - used, size);
    printf("%s\n", room - used <= size ? "it was enough" : "it was NOT enough");
    return 7;
}
