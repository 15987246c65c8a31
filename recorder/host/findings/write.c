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

/* ---- rows ---- */

#define SLOTS ((size_t)1 << 18)

struct kinds {
    uint64_t list[MOST_KINDS];
    size_t count;
    uint32_t slots[SLOTS]; /* a number in `list`, plus 1 */
    uint16_t of_row[];
};

/* The number of the value in the list, where a new one is added; MOST_KINDS: there is no room. */
static size_t kind_of(struct kinds *kinds, uint64_t what)
{
    size_t at = what * UINT64_C(0x9e3779b97f4a7c15) >> 46;
    for (; kinds->slots[at] != 0; at = (at + 1) % SLOTS)
        if (kinds->list[kinds->slots[at] - 1] == what)
            return kinds->slots[at] - 1;
    if (kinds->count == MOST_KINDS)
        return MOST_KINDS;
    kinds->list[kinds->count] = what;
    kinds->slots[at] = (uint32_t)++kinds->count;
    return kinds->count - 1;
}

/* NULL: no memory, or too many. */
static struct kinds *kinds_of(const struct unwind_rows *rows)
{
    struct kinds *kinds = calloc(1, sizeof *kinds + rows->rows * sizeof *kinds->of_row);
    for (size_t i = 0; kinds != NULL && i < rows->rows; i++) {
        size_t kind = kind_of(kinds, rows->what[i]);
        if (kind == MOST_KINDS) {
            free(kinds);
            return NULL;
        }
        kinds->of_row[i] = (uint16_t)kind;
    }
    return kinds;
}

/* ---- the file ---- */

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

static void put_all(struct writing *w, const struct findings *f, const struct kinds *kinds)
{
    struct disk_head head = {.magic = MAGIC,
                             .maker = disk_maker(),
                             .key = f->key,
                             .base = f->unwind.base,
                             .rows = f->unwind.rows,
                             .kinds = kinds->count,
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
    put(w, kinds->list, kinds->count * sizeof *kinds->list);
    put(w, kinds->of_row, f->unwind.rows * sizeof *kinds->of_row);
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
    struct kinds *kinds = kinds_of(&f->unwind);
    if (kinds != NULL)
        put_all(&w, f, kinds);
    if (kinds != NULL && !w.failed) {
        uint64_t length = w.size, check = disk_check(w.bytes, w.size);
        memcpy(w.bytes + offsetof(struct disk_head, length), &length, sizeof length);
        memcpy(w.bytes + offsetof(struct disk_head, check), &check, sizeof check);
        disk_name(&f->key, name);
        replace(fd, name, &w);
    }
    free(kinds);
    free(w.bytes);
    close(fd);
}
