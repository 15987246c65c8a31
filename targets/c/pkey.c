/* pkey.c - a mapping whose protection is changed with a protection key.
 *
 * Idea:     pkey_mprotect is mprotect with one argument more; compilers of JavaScript protect their code so.
 * Do:       make run-pkey
 * Expect:   user mmap(28672) 1 mprotect 1 ; exit 0
 * Look for: mprotect's args, which hold the key.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    void *block = mmap(0, 28672, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    /* -1: no key. With one it would need a processor that has them. */
    return syscall(SYS_pkey_mprotect, block, 12288, PROT_READ | PROT_WRITE, -1) != 0;
}
