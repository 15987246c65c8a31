/* resident.c - what of some memory of this process is resident, as the recorder asks the kernel and as
 * smaps says: "NAME asked smaps", in KiB, and "unknown" where the kernel cannot be asked. */
#include "host/proc/maps.h"
#include "host/proc/resident.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 1000u

static uint64_t by_smaps(uint64_t start, uint64_t end)
{
    struct maps maps;
    uint64_t total = 0;
    maps_read_resident(&maps, getpid());
    for (size_t i = 0; i < maps.count; i++)
        if (maps.list[i].start >= start && maps.list[i].end <= end)
            total += maps.list[i].resident;
    maps_free(&maps);
    return total;
}

static void tell(const char *name, const volatile char *at)
{
    uint64_t start = (uint64_t)at, end = start + PAGES * PAGE, bytes = 0;
    int asked = resident_open(getpid());
    if (!resident_add(asked, start, end, &bytes))
        puts("unknown");
    else
        printf("%s %lu %lu\n", name, bytes / 1024, by_smaps(start, end) / 1024);
    close(asked);
}

static volatile char *map(int flags)
{
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
    return at;
}

int main(void)
{
    volatile char *touched = map(MAP_PRIVATE), *shared = map(MAP_SHARED), *read = map(MAP_PRIVATE);
    for (unsigned i = 0; i < PAGES; i += 7) {
        touched[i * PAGE] = 1;
        shared[i * PAGE] = 1;
        (void)read[i * PAGE]; /* the zero page, where the kernel gives that */
    }
    tell("touched", touched);
    tell("shared", shared);
    tell("read", read);
    tell("never", map(MAP_PRIVATE));
    return 0;
}
