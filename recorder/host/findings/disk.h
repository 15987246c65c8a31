/* findings/disk.h - findings kept between runs: one file for each file of code (findings.h).
 *
 * A file counts only where nobody else could have written it, for the very file of code that it was
 * made for, by this very recorder, and where every number in it is possible. Whatever is wrong with
 * it, all is found anew.
 *
 * Behind the head come, each padded to 8 bytes: pcs of the unwind rows, the kinds that there are of
 * them, the kind of each, and extents; for each part its struct disk_part and its sites; for each name its struct disk_named, the text and the
 * symbols; the places that jumps were looked for into.
 */
#ifndef RECORDER_FINDINGS_DISK_H
#define RECORDER_FINDINGS_DISK_H

#include "findings.h"

#include <sys/stat.h>

#define MAGIC UINT64_C(0x3245444f434b5242) /* "BRKCODE2" */
#define MOST_BYTES (UINT64_C(16) << 20)
#define DISK_NAME 40

struct disk_head {
    uint64_t magic, length, check; /* of the whole file; of all behind these three */
    uint64_t maker;
    struct findings_key key;
    uint64_t base, rows, kinds, extents, synthetic, lost;
    uint64_t parts, names, branches, is_rust, has_loader;
    uint64_t loader[ELF_LOADER_NAMES];
};
#define CHECKED_FROM offsetof(struct disk_head, maker)

struct disk_part {
    uint64_t vaddr, size, sites;
};

struct disk_named {
    uint64_t length, count, stored;
};

/* Which recorder this is: another one may find other things. */
uint64_t disk_maker(void);
uint64_t disk_check(const uint8_t *bytes, size_t size);
/* The file's name in the folder; two of one name only take turns. */
void disk_name(const struct findings_key *key, char name[DISK_NAME]);
/* Nobody else could have written there. */
bool disk_is_ours(int fd, mode_t kind, struct stat *status);
/* For who makes room (alloctrace/cache_folder.py), once a day: a file system may be mounted so that
 * reading marks nothing. */
void disk_mark_use(int fd, const struct stat *status);
/* A descriptor; -1: none, or not to be believed. NULL is allowed. */
int disk_folder(const char *folder);

#endif
