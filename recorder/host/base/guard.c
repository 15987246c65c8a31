/* guard.c - zeros where a mapped file has no bytes any more (guard.h). Whoever reads ELF files trusts
 * nothing in them, so zeros are one damaged file more.
 */
#define _GNU_SOURCE
#include "guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t pages;
static bool (*is_never_gone)(uint64_t address);

static void fill(int number, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t size = (uintptr_t)getpagesize(), page = (uintptr_t)info->si_addr & ~(size - 1);
    if (info->si_code == BUS_ADRERR && !is_never_gone(page) &&
        mmap((void *)page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) != MAP_FAILED)
        pages = pages + 1;
    else
        signal(number, SIG_DFL);
}

void guard_begin(bool (*is_ours)(uint64_t address))
{
    is_never_gone = is_ours;
    struct sigaction action = {.sa_sigaction = fill, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
}

unsigned guard_pages(void)
{
    return (unsigned)pages;
}
