/* findings/disk.c - which file it is, and whose (findings/disk.h). */
#define _GNU_SOURCE
#include "contract.h"
#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

uint64_t disk_maker(void)
{
    static uint64_t known;
    struct stat self;
    if (known == 0 && stat("/proc/self/exe", &self) == 0)
        known = (uint64_t)self.st_size * 1000003 ^ (uint64_t)self.st_mtim.tv_nsec << 20 ^
                (uint64_t)self.st_mtim.tv_sec ^ (uint64_t)self.st_ino << 40;
    return known;
}

uint64_t disk_check(const uint8_t *bytes, size_t size)
{
    const uint8_t *from = bytes + CHECKED_FROM;
    return crc32_z(0, from, size - CHECKED_FROM);
}

void disk_name(const struct findings_key *key, char name[DISK_NAME])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < sizeof *key; i++)
        hash = (hash ^ ((const uint8_t *)key)[i]) * UINT64_C(0x100000001b3);
    snprintf(name, DISK_NAME, "code-%016llx", (unsigned long long)hash);
}

/* ---- nobody else could have written it ---- */

bool disk_is_ours(int fd, mode_t kind, struct stat *status)
{
    return fd >= 0 && fstat(fd, status) == 0 && (status->st_mode & S_IFMT) == kind &&
           status->st_uid == geteuid() && !(status->st_mode & 022);
}

void disk_mark_use(int fd, const struct stat *status)
{
    const struct timespec now_and_as_it_was[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    time_t yesterday = time(NULL) - CACHE_MARK_S;
    if (status->st_atim.tv_sec <= yesterday && status->st_mtim.tv_sec <= yesterday)
        (void)futimens(fd, now_and_as_it_was);
}

int disk_folder(const char *folder)
{
    struct stat status;
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0 && !disk_is_ours(fd, S_IFDIR, &status)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
