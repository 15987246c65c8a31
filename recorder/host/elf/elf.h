/* elf.h - a read-only view of an x86-64 ELF file.
 *
 * Files come from strangers: every offset is checked, every walk has an end, and what is damaged
 * counts as not there. Nothing here prints or exits. Addresses (`vaddr`) are the file's own: add
 * the load bias. Pointers that are handed out point into the view and live until elf_close.
 *
 * Layouts: System V ABI (gABI, chapters 4 and 5), its AMD64 supplement, glibc's elf/elf.h.
 */
#ifndef BRKPOINT_ELF_H
#define BRKPOINT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the view; `at` is NULL where there are none. */
struct elf_bytes {
    const uint8_t *at;
    size_t size;
};

/* One symbol table with the names and the versions of its rows. */
struct elf_table {
    struct elf_bytes rows, names, versions;
    size_t count;
};

/* A slot that the loader fills, and the symbol whose address it gets. */
struct elf_slot {
    uint64_t vaddr;
    const char *name;
};

struct elf {
    const uint8_t *data;
    size_t size;
    bool mapped;       /* by elf_open: elf_close unmaps it */
    uint16_t type;     /* ET_EXEC, ET_DYN, … */
    uint64_t entry;    /* vaddr */
    uint64_t identity; /* device and inode in one, 0 for a view of memory */
    uint64_t mtime_ns, ctime_ns, inode;
    const char *path;  /* the caller's, or NULL for a view of memory */
    const char *error; /* why opening failed: a constant text */
    /* Below: of this module alone. */
    unsigned segments, segment_size, sections, section_size;
    uint64_t segment_table, section_table;
    struct elf_bytes section_names, dynamic;
    struct elf_table dynsym, symtab;
    void *unpacked;         /* .gnu_debugdata, where symtab comes from it */
    struct elf_slot *slots; /* made at the first question */
    size_t slot_count;
    bool slots_made;
};

/* Open a file. `path` must outlive the view. 0, or -1 with `error` set; then there is nothing to
 * close. A file that is cut short by somebody while it is mapped raises SIGBUS in the reader. */
int elf_open(struct elf *elf, const char *path);

/* The same of an open descriptor, which may be closed afterwards. `path` may be NULL: it is used
 * only to look for debug files beside the file. */
int elf_open_fd(struct elf *elf, int fd, const char *path);

/* View `size` bytes of memory, which stay the caller's (the vdso, or a fuzzer's input). */
int elf_open_memory(struct elf *elf, const void *data, size_t size);

void elf_close(struct elf *elf);

/* Nothing more of a large file is wanted for now: what of it is in this process's memory goes from
 * there, and comes back from the file where it is looked at. */
void elf_rest(const struct elf *elf);

/* Which file `status` is of, and in which state: identity, size, inode and times of *elf. */
struct stat;
void elf_identify(struct elf *elf, const struct stat *status);
/* A file may change within so long without a new time: it is no older. */
#define ELF_SETTLED_NS 2000000000u

/* The bytes at a place in the file, NULL unless all of them are in it. */
const uint8_t *elf_at(const struct elf *elf, uint64_t offset, uint64_t size);
/* As much of a range as the file holds. */
struct elf_bytes elf_upto(const struct elf *elf, uint64_t offset, uint64_t size);

/* The text at `offset` of `from` with its zero byte, "" where it has none within 32768 bytes. */
const char *elf_text(struct elf_bytes from, uint64_t offset);

/* Program header number `index`; false beyond the last. */
bool elf_segment(const struct elf *elf, unsigned index, Elf64_Phdr *segment);

/* The first program header of that type. */
bool elf_segment_of(const struct elf *elf, uint32_t type, Elf64_Phdr *segment);

/* Section header number `index`, the first of that name, and the bytes of one: none for
 * SHT_NOBITS, for one that is compressed, and for one that the file does not hold whole. */
bool elf_section(const struct elf *elf, unsigned index, Elf64_Shdr *section);
bool elf_section_named(const struct elf *elf, const char *name, Elf64_Shdr *section);
struct elf_bytes elf_section_bytes(const struct elf *elf, const Elf64_Shdr *section);
struct elf_bytes elf_bytes_named(const struct elf *elf, const char *name);

/* What the file holds from `vaddr` to the end of its segment: no bytes where nothing is loaded
 * there, or where memory is only reserved. */
struct elf_bytes elf_stored(const struct elf *elf, uint64_t vaddr);

/* The 8 bytes that memory has at `vaddr` before relocation, zeroes included. */
bool elf_word(const struct elf *elf, uint64_t vaddr, uint64_t *word);

/* Whether `vaddr` lies in a loaded segment with these permissions (PF_X, …). */
bool elf_is_loaded(const struct elf *elf, uint64_t vaddr, uint32_t flags);

/* The value of the first dynamic tag of that number (DT_INIT, DT_INIT_ARRAY, …). */
bool elf_dynamic(const struct elf *elf, int64_t tag, uint64_t *value);

/* The loader that the kernel is to start, and the library's own name; NULL where it has none. */
const char *elf_interp(const struct elf *elf);
const char *elf_soname(const struct elf *elf);

/* Of the lowest loaded segment, rounded down to a page: bias = start of the first mapping - this. */
uint64_t elf_lowest_vaddr(const struct elf *elf);

bool elf_is_pie(const struct elf *elf);
bool elf_is_static(const struct elf *elf); /* a program that runs without a loader */

/* The note NT_GNU_BUILD_ID in hexadecimal, "" where there is none. */
#define ELF_BUILD_ID_ROOM 129
void elf_build_id(const struct elf *elf, char text[ELF_BUILD_ID_ROOM]);

/* Where regions of the program begin and end (region/markers.S): the vaddrs of the two functions, by
 * notes. The number of them, at most `room`. */
struct elf_region_marks {
    uint64_t begin, end;
};
size_t elf_region_marks(const struct elf *elf, struct elf_region_marks *marks, size_t room);

/* The text in .comment or in read-only data that shows Rust's standard library inside, or NULL. */
const char *elf_looks_like_rust(const struct elf *elf);

/* ---- symbols: elf/symbols.c ---- */

struct elf_symbol {
    const char *name;
    uint64_t value, size;
    uint8_t kind, bind; /* STT_FUNC, STB_GLOBAL, … */
    bool defined;
    bool dynamic; /* of .dynsym, else of .symtab */
    bool hidden;  /* a version other than the default one: foo@V rather than foo@@V */
};

/* Walk all symbols, those of .dynsym first: start with a zeroed `walk`. Ends early where names
 * share bytes to make the walk endless. */
struct elf_symbol_walk {
    size_t index, spent;
    bool in_symtab;
};
bool elf_next_symbol(const struct elf *elf, struct elf_symbol_walk *walk,
                     struct elf_symbol *symbol);

/* Whether this names code of this file: a function, or what an assembler left without a type. */
bool elf_is_code(const struct elf *elf, const struct elf_symbol *symbol);

/* The functions of one name at distinct addresses, the default version first. `count` counts all;
 * `symbols` holds the best ELF_SAME_NAME of them. */
#define ELF_SAME_NAME 16
struct elf_named {
    size_t count;
    struct elf_symbol symbols[ELF_SAME_NAME];
};

/* Fill found[i] for names[i], in one walk over the tables. */
void elf_functions_named(const struct elf *elf, const char *const *names, size_t count,
                         struct elf_named *found);

/* The defined function of that name, of several versions the default one. */
bool elf_function(const struct elf *elf, const char *name, struct elf_symbol *symbol);

/* ---- relocations: elf/relocations.c ---- */

struct elf_relocation {
    uint64_t offset; /* vaddr of what is filled */
    uint32_t type;   /* R_X86_64_… */
    int64_t addend;
    const char *name; /* of the symbol, "" without one */
};

/* Call `each` for every dynamic relocation (DT_RELA, DT_JMPREL, DT_RELR; of a static program its
 * allocated sections) until it answers false. */
typedef bool elf_relocation_fn(void *context, const struct elf_relocation *relocation);
void elf_each_relocation(const struct elf *elf, elf_relocation_fn *each, void *context);

/* The vaddrs of the functions that run before main (PREINIT_ARRAY, INIT, INIT_ARRAY) and at exit
 * (FINI_ARRAY, FINI), in the file's order. The number of them; `room` of them are stored. */
size_t elf_initialisers(const struct elf *elf, uint64_t *vaddrs, size_t room);
size_t elf_finalisers(const struct elf *elf, uint64_t *vaddrs, size_t room);

/* The symbol whose address the loader stores at `vaddr`, or NULL. Makes a table at first use. */
const char *elf_slot_name(struct elf *elf, uint64_t vaddr);

/* The symbol that the stub, call or jump at `vaddr` leads to through a slot, or NULL. */
const char *elf_plt_target(struct elf *elf, uint64_t vaddr);

/* ---- debug files: debug.c ---- */

/* Open the separate debug file that provably belongs to `elf` (same build id, or the linked
 * checksum): below `root` ("/usr/lib/debug") or beside the file. `room` gets the path. */
int elf_open_debug(const struct elf *elf, const char *root, struct elf *debug, char *room,
                   size_t room_size);

#endif
