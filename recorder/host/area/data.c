/* area/data.c - the data area in the target, shared with this process. */
#define _GNU_SOURCE /* memfd_create */
#include "areas.h"
#include "last_word.h"
#include "memory_file.h"
#include "place.h"
#include "size.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

bool areas_problem(struct process *p, const char *what, int64_t result)
{
    snprintf(p->problem, sizeof p->problem, "%s: %s", what,
             strerror(result < 0 ? (int)-result : 0));
    return false;
}

bool area_is_address(int64_t result)
{
    return result < 0 ? result < -4095 : result != 0;
}

int64_t area_remote_map(struct process *p, uint64_t at, uint64_t size, int prot, int flags, int fd,
                        uint64_t from)
{
    int64_t result = -EIO;
    const uint64_t a[6] = {at, size, (uint64_t)prot, (uint64_t)flags, (uint64_t)(int64_t)fd, from};
    if (!tracee_syscall(&p->tracee, SYS_mmap, a, NULL, 0, &result))
        return -EIO;
    return result;
}

static int64_t map_piece(struct process *p, uint64_t at, const struct piece *piece, int fd)
{
    return area_remote_map(
        p, at + piece->at, piece->size, piece->open ? PROT_READ | PROT_WRITE : PROT_NONE,
        MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, p->family->place + piece->at);
}

static int64_t map_pieces(struct process *p, uint64_t at, int fd)
{
    struct piece pieces[MAX_PIECES];
    unsigned count = area_size_pieces(p->family->size, pieces);
    int64_t result = (int64_t)at, ignored;
    for (unsigned i = 0; i < count; i++) {
        result = map_piece(p, at, &pieces[i], fd);
        if (result == (int64_t)(at + pieces[i].at))
            continue;
        while (i-- > 0) {
            const uint64_t unmap[6] = {at + pieces[i].at, pieces[i].size};
            tracee_syscall(&p->tracee, SYS_munmap, unmap, NULL, 0, &ignored);
        }
        return area_is_address(result) ? -EEXIST : result;
    }
    return (int64_t)at;
}

/* All of it, or where address space is limited a part that leaves the program most. */
static int64_t map_room(struct process *p, const struct maps *maps, int fd)
{
    struct family *f = p->family;
    uint64_t limit = area_size_limit(p->tracee.pid), at = 0;
    int64_t result = -ENOMEM;
    if (maps->list != NULL)
        at = place_data(maps, AREA_SIZE);
    for (; f->size != NULL; f->size = area_size_smaller(f->size)) {
        if (at != 0 && area_size_bytes(f->size) <= limit)
            result = map_pieces(p, at, fd);
        if (area_is_address(result))
            break;
    }
    return result;
}

/* The only family there is goes on in the memory file `fd`, which becomes that of the run. */
static bool move_family(struct host *h, struct family *f, int fd)
{
    void *old = f->area, *at = MAP_FAILED;
    struct stat file;
    if (fstat(h->area_fd, &file) == 0 && ftruncate(fd, file.st_size) == 0)
        at = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
                  (off_t)f->place);
    if (at == MAP_FAILED || dup2(fd, h->area_fd) < 0)
        return false;
    h->ledger->moved = 1;
    memcpy(at, old, sizeof(struct area_head));
    memcpy((char *)at + AREA_TABLES_AT, (char *)old + AREA_TABLES_AT, f->tables_used);
    f->area = at;
    last_word_prepare(h);
    munmap(old, AREA_SIZE);
    return true;
}

/* A process of another user, or in a container, may not open our memory file, or not see it: it
 * makes one, and we open that. */
int64_t area_offer(struct host *h, struct process *p)
{
    char path[48];
    int64_t fd = -EIO, ignored;
    const uint64_t a[6] = {0, MFD_CLOEXEC};
    if (!tracee_syscall(&p->tracee, SYS_memfd_create, a, "brkpoint-recorder", 0, &fd) || fd < 0)
        return fd;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", p->tracee.pid, (int)fd);
    int ours = open(path, O_RDWR | O_CLOEXEC);
    if (ours < 0 || !move_family(h, p->family, ours)) {
        const uint64_t close_it[6] = {(uint64_t)fd};
        tracee_syscall(&p->tracee, SYS_close, close_it, NULL, 0, &ignored);
        fd = -EACCES;
    }
    if (ours >= 0)
        close(ours);
    return fd;
}

/* Whether the descriptor still is what it was: the program has run since. */
static bool is_offered(const struct host *h, const struct process *p)
{
    char path[48];
    struct stat ours, its;
    if (p->offered <= 0 || fstat(h->area_fd, &ours) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", p->tracee.pid, (int)p->offered);
    return stat(path, &its) == 0 && its.st_ino == ours.st_ino && its.st_dev == ours.st_dev;
}

void area_withdraw(struct host *h, struct process *p)
{
    int64_t ignored;
    const uint64_t close_it[6] = {(uint64_t)p->offered};
    if (is_offered(h, p))
        tracee_syscall(&p->tracee, SYS_close, close_it, NULL, 0, &ignored);
    p->offered = 0;
}

static int64_t open_data(struct host *h, struct process *p)
{
    char path[48];
    int64_t fd = -EIO;
    if (is_offered(h, p))
        return p->offered;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), h->area_fd);
    const uint64_t a[6] = {(uint64_t)AT_FDCWD, 0, O_RDWR | O_CLOEXEC};
    tracee_syscall(&p->tracee, SYS_openat, a, path, 1, &fd);
    if (fd >= 0)
        return fd;
    return p->tracee.runner ? area_offer(h, p) : area_receive(h, p);
}

/* Of a program that dumps its core none of this is: it would be 2 GB. What lies between the pieces is
 * not mapped, which is said by an error and does no harm. */
static void keep_from_core(struct process *p, int64_t address)
{
    int64_t ignored;
    const uint64_t a[6] = {(uint64_t)address, AREA_SIZE, MADV_DONTDUMP};
    tracee_syscall(&p->tracee, SYS_madvise, a, NULL, 0, &ignored);
}

bool area_map_data(struct host *h, struct process *p, const struct maps *maps)
{
    int64_t ignored, fd = open_data(h, p);
    if (fd < 0)
        return areas_problem(p, "the program may not open the recorder's memory", fd);
    int64_t address = map_room(p, maps, (int)fd);
    const uint64_t close_it[6] = {(uint64_t)fd};
    tracee_syscall(&p->tracee, SYS_close, close_it, NULL, 0, &ignored);
    p->offered = 0;
    if (!area_is_address(address))
        return areas_problem(p, "no room for the recorder's data (see `ulimit -v`)", address);
    keep_from_core(p, address);
    p->area = (uint64_t)address;
    p->size = p->family->size;
    p->has_shrunk = 0;
    area_size_use(p->family);
    return true;
}

void area_tell_size(struct host *h, const struct process *p)
{
    const struct area_size *size = p->size;
    uint64_t bytes = area_size_bytes(size);
    for (unsigned i = 0; i < MAX_AREAS; i++)
        bytes += p->areas[i].address ? AGENT_ROOM + STUBS_ROOM : 0;
    if (size != area_size_largest())
        say_note(h,
                 "address space is limited (ulimit -v): of it the recorder takes %llu MiB, which "
                 "has room for %u threads at one moment",
                 (unsigned long long)(bytes >> 20) + 1, size->threads);
}
