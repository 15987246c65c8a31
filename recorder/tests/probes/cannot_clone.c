/* cannot_clone.c - asks whether there is a clone3: with no arguments, with ones that are nowhere, and with ones
 * of which only the beginning is there. Prints what the kernel says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void ask(const void *arguments, size_t size)
{
    long result = syscall(SYS_clone3, arguments, size);
    printf("%ld %d\n", result, result < 0 ? errno : 0);
}

int main(void)
{
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (two == MAP_FAILED || munmap(two + 4096, 4096) != 0)
        return 1;
    ask(NULL, 0);
    ask(NULL, 88);
    ask((void *)8, 64);
    ask((void *)-4096, 64);
    ask(two + 4096 - 32, 64);
    return 0;
}
