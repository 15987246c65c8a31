/* findings/write.c - what was found, for the next run (findings/disk.h). */
#include "disk.h"
#include "base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct writing {
    uint8_t *bytes;
    size_t size, room;
    bool failed;
};

static void put(struct writing *w, const void *from, size_t size)
{
    size_t padded = (size + 7) & ~(size_t)7;
    if (w->failed || w->size + padded > MOST_BYTES) {
        w->failed = true;
        return;
    }
    if (w->size + padded > w->room) {
        size_t room = 2 * (w->size + padded);
        uint8_t *more = realloc(w->bytes, room);
        w->failed = more == NULL;
        if (more == NULL)
            return;
        w->bytes = more;
        w->room = room;
    }
    memset(w->bytes + w->size, 0, padded);
    if (size > 0)
        memcpy(w->bytes + w->size, from, size);
    w->size += padded;
}

static void put_parts(struct writing *w, const struct findings *f)
{
    for (size_t i = 0; i < f->part_count; i++) {
        const struct found_part *part = &f->parts[i];
        struct disk_part head = {part->vaddr, part->size, part->sites.count};
        put(w, &head, sizeof head);
        put(w, part->sites.list, part->sites.count * sizeof *part->sites.list);
    }
}

static void put_names(struct writing *w, const struct findings *f)
{
    for (size_t i = 0; i < f->name_count; i++) {
        const struct found_name *named = &f->names[i];
        size_t stored = found_stored(named->count);
        struct disk_named head = {strlen(named->name), named->count, stored};
        put(w, &head, sizeof head);
        put(w, named->name, head.length);
        put(w, named->symbols, stored * sizeof *named->symbols);
    }
}

static void put_all(struct writing *w, const struct findings *f)
{
    struct disk_head head = {.magic = MAGIC,
                             .maker = disk_maker(),
                             .key = f->key,
                             .base = f->unwind.base,
                             .rows = f->unwind.rows,
                             .kinds = f->unwind.kind_count,
                             .extents = f->unwind.extent_count,
                             .synthetic = f->unwind.synthetic,
                             .lost = f->unwind.lost,
                             .parts = f->part_count,
                             .names = f->name_count,
                             .branches = f->branch_count,
                             .is_rust = f->is_rust};
    if (f->has_loader == FOUND_YES) { /* else a debug file may tell one day */
        head.has_loader = FOUND_YES;
        memcpy(head.loader, f->loader, sizeof head.loader);
    }
    put(w, &head, sizeof head);
    put(w, f->unwind.pcs, f->unwind.rows * sizeof *f->unwind.pcs);
    put(w, f->unwind.kinds, f->unwind.kind_count * sizeof *f->unwind.kinds);
    put(w, f->unwind.kind, f->unwind.rows * sizeof *f->unwind.kind);
    put(w, f->unwind.extents, f->unwind.extent_count * sizeof *f->unwind.extents);
    put_parts(w, f);
    put_names(w, f);
    put(w, f->branches, f->branch_count * sizeof *f->branches);
}

static bool write_bytes(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(fd, bytes + done, size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

/* In one step: a reader sees the old file or the new one, whole. */
static void replace(int folder, const char *name, const struct writing *w)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, ".%s-%d", name, (int)getpid());
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool done = write_bytes(fd, w->bytes, w->size);
    done = close(fd) == 0 && done;
    if (!done || renameat(folder, temporary, folder, name) != 0)
        unlinkat(folder, temporary, 0);
}

void findings_store(const char *folder, struct findings *f)
{
    char name[DISK_NAME];
    struct writing w = {0};
    int fd = f->is_new && f->is_shared && f->key.mtime_ns != 0 && guard_pages() == 0
                 ? disk_folder(folder)
                 : -1; /* zeros in place of a file's end are not what is in it */
    if (fd < 0)
        return;
    f->is_new = false;
    put_all(&w, f);
    if (!w.failed) {
        uint64_t length = w.size, check = disk_check(w.bytes, w.size);
        memcpy(w.bytes + offsetof(struct disk_head, length), &length, sizeof length);
        memcpy(w.bytes + offsetof(struct disk_head, check), &check, sizeof check);
        disk_name(&f->key, name);
        replace(fd, name, &w);
    }
    free(w.bytes);
    close(fd);
}
