/* findings/read.c - what an earlier run has found, checked (findings/disk.h). */
#include "disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_NAMES 256
#define MOST_PARTS 64
#define MOST_PLACES 65536

struct reading {
    const uint8_t *at;
    size_t left;
    bool bad;
};

/* A copy of `count` items, to be freed; NULL with `bad` where they are not all there. */
static void *take(struct reading *r, uint64_t count, size_t each)
{
    size_t size = count * each, padded = (size + 7) & ~(size_t)7;
    if (r->bad || count > MOST_BYTES || padded > r->left) {
        r->bad = true;
        return NULL;
    }
    void *copy = malloc(size + 1);
    r->bad = copy == NULL;
    if (copy != NULL)
        memcpy(copy, r->at, size);
    r->at += padded;
    r->left -= padded;
    return copy;
}

static bool rises(const uint32_t *pcs, uint64_t rows)
{
    for (uint64_t i = 1; i < rows; i++)
        if (pcs[i] <= pcs[i - 1])
            return false;
    return true;
}

static bool lie_apart(const struct rows_range *list, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (list[i].high < list[i].low || (i > 0 && list[i].low < list[i - 1].high))
            return false;
    return true;
}

static bool has_kinds(const uint16_t *kind, uint64_t rows, uint64_t kinds)
{
    for (uint64_t i = 0; i < rows; i++)
        if (kind[i] >= kinds)
            return false;
    return true;
}

static void read_frames(struct reading *r, const struct disk_head *head, struct unwind_rows *f)
{
    f->base = head->base;
    f->pcs = take(r, head->rows, sizeof *f->pcs);
    f->kinds = take(r, head->kinds, sizeof *f->kinds);
    f->kind = take(r, head->rows, sizeof *f->kind);
    f->extents = take(r, head->extents, sizeof *f->extents);
    f->rows = f->room = head->rows;
    f->kind_count = head->kinds;
    f->extent_count = head->extents;
    f->synthetic = head->synthetic;
    f->lost = head->lost;
    r->bad = r->bad || !rises(f->pcs, f->rows) || !has_kinds(f->kind, f->rows, f->kind_count) ||
             !lie_apart(f->extents, f->extent_count);
}

static bool is_possible(const struct syscall_site *site, const struct disk_part *part)
{
    uint64_t end = part->vaddr + part->size;
    bool inside = site->address >= part->vaddr && site->address < end &&
                  site->line >= part->vaddr && site->line <= site->address;
    bool has_run = site->refusal == MOVED;
    return inside && site->refusal < REFUSALS && site->stack <= STACK_NONE &&
           (!has_run || (site->start >= part->vaddr && site->start <= site->address &&
                         site->length <= SYSCALL_RUN_MAX && site->length <= end - site->start));
}

static void read_part(struct reading *r, struct findings *f)
{
    struct disk_part *head = take(r, 1, sizeof *head);
    struct found_part *part = &f->parts[f->part_count];
    if (head == NULL || head->sites > MOST_PLACES || head->size > UINT64_MAX - head->vaddr) {
        r->bad = true;
        free(head);
        return;
    }
    *part = (struct found_part){head->vaddr, head->size, {NULL, head->sites}};
    part->sites.list = take(r, head->sites, sizeof *part->sites.list);
    f->part_count++;
    for (uint64_t i = 0; !r->bad && i < head->sites; i++)
        r->bad = !is_possible(&part->sites.list[i], head) ||
                 (i > 0 && part->sites.list[i].address <= part->sites.list[i - 1].address);
    free(head);
}

static void read_name(struct reading *r, struct findings *f)
{
    struct disk_named head;
    struct found_name *name = &f->names[f->name_count++];
    if (r->left < sizeof head) {
        r->bad = true;
        return;
    }
    memcpy(&head, r->at, sizeof head);
    r->at += sizeof head;
    r->left -= sizeof head;
    if (head.length == 0 || head.length > 256 || head.stored != found_stored(head.count)) {
        r->bad = true;
        return;
    }
    name->name = take(r, head.length, 1);
    if (name->name != NULL)
        name->name[head.length] = 0;
    name->count = head.count;
    if (head.stored > 0)
        name->symbols = take(r, head.stored, sizeof *name->symbols);
    for (size_t i = 0; name->symbols != NULL && i < head.stored; i++)
        name->symbols[i].name = name->name;
}

static bool read_all(const uint8_t *bytes, size_t size, struct findings *f)
{
    struct disk_head head;
    memcpy(&head, bytes, sizeof head);
    struct reading r = {bytes + sizeof head, size - sizeof head, false};
    if (head.parts > MOST_PARTS || head.names > MOST_NAMES || head.branches > MOST_PLACES ||
        head.is_rust > FOUND_YES || head.has_loader > FOUND_YES)
        return false;
    f->parts = calloc(head.parts + 1, sizeof *f->parts);
    f->names = calloc(head.names + 1, sizeof *f->names);
    f->part_room = head.parts + 1;
    f->name_room = head.names + 1;
    r.bad = f->parts == NULL || f->names == NULL;
    read_frames(&r, &head, &f->unwind);
    for (uint64_t i = 0; !r.bad && i < head.parts; i++)
        read_part(&r, f);
    for (uint64_t i = 0; !r.bad && i < head.names; i++)
        read_name(&r, f);
    f->branches = take(&r, head.branches, sizeof *f->branches);
    f->branch_count = f->branch_room = f->branches ? head.branches : 0;
    f->is_rust = (enum found_answer)head.is_rust;
    f->has_loader = (enum found_answer)head.has_loader;
    memcpy(f->loader, head.loader, sizeof f->loader);
    return !r.bad && r.left == 0;
}

static bool is_of(const uint8_t *bytes, size_t size, const struct findings_key *key)
{
    struct disk_head head;
    memcpy(&head, bytes, sizeof head);
    return head.magic == MAGIC && head.length == size && head.maker == disk_maker() &&
           memcmp(&head.key, key, sizeof *key) == 0 && head.check == disk_check(bytes, size);
}

/* Into memory that the next file is read into as well: each page of it is touched but once. */
static uint8_t *read_bytes(int folder, const char *name, size_t *size)
{
    static uint8_t *bytes;
    static size_t room;
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    bool done = disk_is_ours(fd, S_IFREG, &status) &&
                status.st_size >= (off_t)sizeof(struct disk_head) &&
                status.st_size <= (off_t)MOST_BYTES;
    *size = done ? (size_t)status.st_size : 0;
    if (*size > room) {
        free(bytes);
        bytes = malloc(*size);
        room = bytes ? *size : 0;
    }
    done = done && bytes != NULL && pread(fd, bytes, *size, 0) == (ssize_t)*size;
    if (done)
        disk_mark_use(fd, &status);
    if (fd >= 0)
        close(fd);
    return done ? bytes : NULL;
}

bool findings_load(const char *folder, struct findings *f)
{
    char name[DISK_NAME];
    size_t size;
    int fd = f->key.mtime_ns != 0 ? disk_folder(folder) : -1;
    if (fd < 0)
        return false;
    disk_name(&f->key, name);
    uint8_t *bytes = read_bytes(fd, name, &size);
    bool done = bytes != NULL && is_of(bytes, size, &f->key) && read_all(bytes, size, f);
    close(fd);
    return done;
}
