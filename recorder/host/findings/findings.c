/* findings.c - what is found in a file of code, for every process that maps it (findings.h). */
#include "findings.h"
#include "code_bytes.h"
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_FILES 512       /* that nobody uses any more */
#define MOST_ROWS (6u << 20) /* of unwind tables, in these */
#define MOST_ASKED 4096      /* places in one file */
#define NS UINT64_C(1000000000)

/* ---- which file it is ---- */

static bool key_of(const struct elf *elf, uint32_t starts, struct findings_key *key)
{
    struct timespec now;
    memset(key, 0, sizeof *key);
    elf_build_id(elf, key->build_id);
    key->size = elf->size;
    key->mtime_ns = elf->mtime_ns;
    key->starts = starts;
    if (key->build_id[0] != 0)
        return true;
    key->identity = elf->identity;
    key->ctime_ns = elf->ctime_ns;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t time = (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
    return elf->identity != 0 && elf->ctime_ns < time && time - elf->ctime_ns > ELF_SETTLED_NS;
}

static bool is_key(const struct findings_key *a, const struct findings_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- keeping them ---- */

static void findings_empty(struct findings *f)
{
    rows_free(&f->unwind);
    for (size_t i = 0; i < f->part_count; i++)
        syscall_sites_free(&f->parts[i].sites);
    for (size_t i = 0; i < f->name_count; i++) {
        free(f->names[i].name);
        free(f->names[i].symbols);
    }
    free(f->parts);
    free(f->names);
    free(f->branches);
    free(f->entries);
    *f = (struct findings){.key = f->key, .users = f->users, .is_shared = f->is_shared};
}

static void release(struct findings *f)
{
    findings_empty(f);
    free(f);
}

static struct findings *known_by(const struct known_files *known, const struct findings_key *key)
{
    for (size_t i = 0; i < known->count; i++)
        if (is_key(&known->list[i]->key, key))
            return known->list[i];
    return NULL;
}

static bool keep(struct known_files *known, struct findings *f)
{
    struct findings **list =
        with_room_for_one(known->list, known->count, &known->room, 64, sizeof *list);
    if (list == NULL)
        return false;
    known->list = list;
    known->list[known->count++] = f;
    return true;
}

/* A program may run thousands of files, each once. */
static void make_room(struct known_files *known)
{
    for (;;) {
        size_t idle = 0, rows = 0, oldest = known->count;
        for (size_t i = 0; i < known->count; i++) {
            const struct findings *f = known->list[i];
            if (f->users > 0)
                continue;
            idle++;
            rows += f->unwind.rows;
            if (oldest == known->count || f->used_at < known->list[oldest]->used_at)
                oldest = i;
        }
        if (idle <= MOST_FILES && rows <= MOST_ROWS)
            return;
        findings_store(known->folder, known->list[oldest]);
        release(known->list[oldest]);
        known->list[oldest] = known->list[--known->count];
    }
}

static bool read_frames(struct findings *f, const struct elf *elf)
{
    if (rows_read(&f->unwind, elf) != 0)
        return false;
    if (f->key.starts)
        rows_end_stacks(&f->unwind, rows_start(&f->unwind, elf, f->key.starts == 2));
    if (!rows_pack(&f->unwind))
        return false;
    f->is_new = true;
    return true;
}

static struct findings *look_into(struct known_files *known, const struct elf *elf,
                                  const struct findings_key *key, bool is_shared)
{
    struct findings *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->key = *key;
    f->is_shared = is_shared && keep(known, f);
    bool is_kept = f->is_shared && findings_load(known->folder, f);
    if (!is_kept)
        findings_empty(f);
    known->searched += !is_kept && elf->identity != 0;
    if (!is_kept && !read_frames(f, elf))
        rows_free(&f->unwind); /* no memory: as a file without tables */
    return f;
}

void findings_store_all(struct known_files *known)
{
    for (size_t i = 0; i < known->count; i++)
        findings_store(known->folder, known->list[i]);
}

struct findings *findings_of(struct known_files *known, const struct elf *elf, uint32_t starts,
                             bool may_share)
{
    struct findings_key key;
    bool is_shared = key_of(elf, starts, &key) && may_share;
    struct findings *f = is_shared ? known_by(known, &key) : NULL;
    if (f == NULL)
        f = look_into(known, elf, &key, is_shared);
    if (f == NULL)
        return NULL;
    f->users++;
    f->used_at = ++known->clock;
    return f;
}

void findings_leave(struct known_files *known, struct findings *f)
{
    if (f == NULL || --f->users > 0)
        return;
    if (!f->is_shared)
        release(f);
    else if (known->count > MOST_FILES || f->unwind.rows > MOST_ROWS / 64)
        make_room(known);
}

/* ---- finding ---- */

const struct syscall_sites *found_syscall_sites(struct findings *f, const struct elf *elf,
                                                const struct code *code)
{
    static const struct syscall_sites none = {0};
    for (size_t i = 0; i < f->part_count; i++)
        if (f->parts[i].vaddr == code->address && f->parts[i].size == code->length)
            return &f->parts[i].sites;
    struct found_part *list =
        with_room_for_one(f->parts, f->part_count, &f->part_room, 2, sizeof *list);
    struct extent *extents = calloc(f->unwind.extent_count + 1, sizeof *extents);
    struct syscall_sites sites = {0};
    if (list != NULL)
        f->parts = list;
    for (size_t i = 0; extents != NULL && i < f->unwind.extent_count; i++)
        extents[i] = (struct extent){f->unwind.extents[i].low,
                                     f->unwind.extents[i].high - f->unwind.extents[i].low};
    const struct code bytes = code_bytes(elf, code);
    const struct text text = {.code = bytes, .functions = extents, .count = f->unwind.extent_count};
    bool done = list != NULL && extents != NULL && syscall_sites_find(&text, &sites);
    if (done)
        code_bytes_believe(elf, &text, &sites);
    free(extents);
    if (!done) {
        syscall_sites_free(&sites);
        return &none;
    }
    f->is_new = true;
    f->parts[f->part_count] = (struct found_part){code->address, code->length, sites};
    return &f->parts[f->part_count++].sites;
}

static const struct range *asked(const struct findings *f, const struct range *range)
{
    for (size_t i = 0; i < f->branch_count; i++)
        if (f->branches[i].low == range->low && f->branches[i].high == range->high)
            return &f->branches[i];
    return NULL;
}

static void remember(struct findings *f, const struct range *range)
{
    if (f->branch_count >= MOST_ASKED)
        return;
    struct range *list =
        with_room_for_one(f->branches, f->branch_count, &f->branch_room, 16, sizeof *list);
    if (list == NULL)
        return;
    f->branches = list;
    f->branches[f->branch_count++] = *range;
    f->is_new = true;
}

void found_branches(struct findings *f, const struct code *code, struct range *ranges, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        const struct range *known = asked(f, &ranges[i]);
        ranges[i].branched_into = known != NULL && known->branched_into;
        all &= known != NULL;
    }
    if (all)
        return;
    find_branches_into(code, ranges, count);
    for (size_t i = 0; i < count; i++)
        if (asked(f, &ranges[i]) == NULL)
            remember(f, &ranges[i]);
}

struct detour_looked found_entry(struct findings *f, uint64_t vaddr,
                                 const struct function *function, unsigned need)
{
    for (size_t i = 0; i < f->entry_count; i++) {
        const struct found_entry *e = &f->entries[i];
        if (e->vaddr == vaddr && e->length == function->code.length &&
            e->extent == function->extent && e->need == need)
            return e->looked;
    }
    struct detour_looked looked = detour_look(function, need);
    struct found_entry *list =
        f->entry_count < MOST_ASKED
            ? with_room_for_one(f->entries, f->entry_count, &f->entry_room, 16, sizeof *list)
            : NULL;
    if (list == NULL)
        return looked;
    f->entries = list;
    f->entries[f->entry_count++] =
        (struct found_entry){vaddr, function->code.length, function->extent, need, looked};
    return looked;
}

bool found_loader(struct findings *f, const struct elf *elf, const char *debug_root,
                  uint64_t vaddrs[ELF_LOADER_NAMES])
{
    if (f->has_loader == NOT_ASKED) {
        memset(f->loader, 0, sizeof f->loader);
        f->has_loader = elf_loader_malloc(elf, debug_root, f->loader) ? FOUND_YES : FOUND_NO;
        f->is_new = true;
    }
    memcpy(vaddrs, f->loader, sizeof f->loader);
    return f->has_loader == FOUND_YES;
}

bool found_rust(struct findings *f, const struct elf *elf)
{
    if (f->is_rust == NOT_ASKED) {
        f->is_rust = elf_looks_like_rust(elf) ? FOUND_YES : FOUND_NO;
        f->is_new = true;
    }
    return f->is_rust == FOUND_YES;
}
