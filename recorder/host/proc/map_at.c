/* map_at.c - the kernel is asked for one mapping, which takes it the same time whatever else is mapped
 * (Linux 6.11, PROCMAP_QUERY). */
#include "map_at.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* linux/fs.h */
struct query {
    uint64_t size, flags, address;
    uint64_t start, end, vma_flags, page_size, offset, inode;
    uint32_t dev_major, dev_minor, name_size, build_id_size;
    uint64_t name, build_id;
};
#define QUERY _IOWR('f', 17, struct query)
enum { READABLE = 1, WRITABLE = 2, EXECUTABLE = 4, SHARED = 8 };

bool map_at(pid_t pid, uint64_t address, struct mapping *m)
{
    char path[32], name[16] = "";
    struct query q = {
        .size = sizeof q, .address = address, .name = (uint64_t)name, .name_size = sizeof name};
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && ioctl(fd, QUERY, &q) == 0;
    if (fd >= 0)
        close(fd);
    bool is_stack = strcmp(name, "[stack]") == 0;
    if (!known || (q.name_size > 1 && !is_stack))
        return false;
    *m = (struct mapping){.start = q.start,
                          .end = q.end,
                          .readable = (q.vma_flags & READABLE) != 0,
                          .writable = (q.vma_flags & WRITABLE) != 0,
                          .executable = (q.vma_flags & EXECUTABLE) != 0,
                          .shared = (q.vma_flags & SHARED) != 0,
                          .path = is_stack ? "[stack]" : ""};
    return true;
}
