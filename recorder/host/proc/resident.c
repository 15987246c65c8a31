/* resident.c - PAGEMAP_SCAN (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst). */
#include "resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* linux/fs.h */
struct region {
    uint64_t start, end, categories;
};
struct scan {
    uint64_t size, flags, start, end, walk_end;
    uint64_t vec, vec_len, max_pages;
    uint64_t inverted, mask, any_of, returned;
};
#define SCAN _IOWR('f', 16, struct scan)
enum { PRESENT = 1 << 3, ZERO_PAGE = 1 << 5 };

#define REGIONS 64
#define MOST_SCANS 4096

int resident_open(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

bool resident_add(int asked, uint64_t start, uint64_t end, uint64_t *bytes)
{
    struct region regions[REGIONS];
    struct scan scan = {.size = sizeof scan,
                        .end = end,
                        .walk_end = start,
                        .vec = (uint64_t)regions,
                        .vec_len = REGIONS,
                        .inverted = ZERO_PAGE,
                        .mask = PRESENT | ZERO_PAGE,
                        .returned = PRESENT};
    for (unsigned i = 0; scan.walk_end < end; i++) {
        scan.start = scan.walk_end;
        int count = i < MOST_SCANS ? ioctl(asked, SCAN, &scan) : -1;
        if (count < 0 || scan.walk_end <= scan.start)
            return false;
        for (int k = 0; k < count; k++)
            *bytes += regions[k].end - regions[k].start;
    }
    return true;
}
