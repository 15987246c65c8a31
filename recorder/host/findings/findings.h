/* findings.h - what is found in a file of code: its unwind rows, its system calls, functions of some
 * names, jumps into some places.
 *
 * All of it follows from the file's bytes alone, and to find it takes most of the time that planting
 * needs. So it is kept for the next process that maps the same file, and for the next run
 * (findings/disk.h). Addresses are the file's own (vaddr), without a load bias.
 */
#ifndef RECORDER_FINDINGS_H
#define RECORDER_FINDINGS_H

#include "code/detour.h"
#include "elf/elf.h"
#include "loader.h"
#include "unwind/rows.h"
#include "code/syscall_sites.h"

/* Which file it is. Equal keys: equal bytes. */
struct findings_key {
    char build_id[ELF_BUILD_ID_ROOM + 7];        /* no byte of a key is undefined */
    uint64_t size, mtime_ns, ctime_ns, identity; /* the last two: 0 where there is a build id */
    uint64_t starts; /* stacks end at its entry point: 1 in a program, 2 in a loader */
};

/* The functions of one name (elf_functions_named): of `count` the best ELF_SAME_NAME, at most. Hundreds
 * of names are asked of each file, and few files have any of them. */
struct found_name {
    char *name;
    size_t count;
    struct elf_symbol *symbols;
};

size_t found_stored(size_t count); /* how many symbols are there */

/* The system calls of one executable segment. */
struct found_part {
    uint64_t vaddr, size;
    struct syscall_sites sites;
};

/* What was looked at of a function, for a detour at its entry: in this run only. */
struct found_entry {
    uint64_t vaddr;
    size_t length, extent;
    unsigned need;
    struct detour_looked looked;
};

enum found_answer { NOT_ASKED, FOUND_NO, FOUND_YES };

struct findings {
    struct findings_key key;
    unsigned users;
    bool is_shared;   /* known under its key; else it goes with its only user */
    bool is_new;      /* something in it is not on disk yet */
    uint64_t used_at; /* the higher, the later */
    struct unwind_rows unwind;
    struct found_part *parts;
    size_t part_count, part_room;
    struct found_name *names;
    size_t name_count, name_room, name_last;
    struct range *branches; /* what was asked, with the answers */
    size_t branch_count, branch_room;
    struct found_entry *entries;
    size_t entry_count, entry_room;
    enum found_answer is_rust;
    enum found_answer has_loader; /* `loader` was looked for, and found */
    uint64_t loader[ELF_LOADER_NAMES];
};

/* The files that were looked into in this run. */
struct known_files {
    struct findings **list;
    size_t count, room;
    uint64_t clock;
    uint64_t searched;  /* how many files were: neither the run nor the folder knew them */
    const char *folder; /* where they are kept between runs; NULL: nowhere */
};

/* Of `elf`, for one more user; NULL: no memory. `starts` as in the key. `may_share` false: the
 * process has other bytes than the file. */
struct findings *findings_of(struct known_files *known, const struct elf *elf, uint32_t starts,
                             bool may_share);
void findings_leave(struct known_files *known, struct findings *f);

/* Below, `elf` and `code` are of the same file, `code` at its vaddr. What is not known yet is looked
 * for. */
const struct syscall_sites *found_syscall_sites(struct findings *f, const struct elf *elf,
                                                const struct code *code);
void found_branches(struct findings *f, const struct code *code, struct range *ranges,
                    size_t count);
/* `function` lies at its place in a process, `vaddr` in the file; both have the same bytes. */
struct detour_looked found_entry(struct findings *f, uint64_t vaddr,
                                 const struct function *function, unsigned need);
void found_functions(struct findings *f, const struct elf *elf, const char *const *names,
                     size_t count, struct elf_named *found);
bool found_function(struct findings *f, const struct elf *elf, const char *name,
                    struct elf_symbol *symbol);
bool found_loader(struct findings *f, const struct elf *elf, const char *debug_root,
                  uint64_t vaddrs[ELF_LOADER_NAMES]);
bool found_rust(struct findings *f, const struct elf *elf);

/* ---- findings/read.c, findings/write.c ---- */
/* Read what an earlier run has kept of the file f->key; false: nothing that could be believed,
 * though a part of it may be in `f`. */
bool findings_load(const char *folder, struct findings *f);
/* Keep what is new. */
void findings_store(const char *folder, struct findings *f);

/* All that is new of all files. */
void findings_store_all(struct known_files *known);

#endif
