/* functions_of.h - for the tests of code moving: the functions of an ELF file, and their bytes. */
#ifndef RECORDER_TESTS_FUNCTIONS_OF_H
#define RECORDER_TESTS_FUNCTIONS_OF_H

#include "host/code/detour.h"
#include "host/elf/elf.h"
#include "host/code/syscall_sites.h"

#include <stdio.h>
#include <stdlib.h>

struct named_function {
    const char *name;
    uint64_t address; /* vaddr */
    size_t size;
    bool exported;
};

struct functions {
    struct named_function *list; /* by address; several may have one */
    size_t count;
};

static inline int by_address(const void *a, const void *b)
{
    const struct named_function *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;
}

static inline struct functions functions_of(const struct elf *elf)
{
    struct functions all = {0};
    struct elf_symbol_walk walk = {0};
    struct elf_symbol symbol;
    size_t room = 0;
    while (elf_next_symbol(elf, &walk, &symbol)) {
        if (!elf_is_code(elf, &symbol))
            continue;
        if (all.count == room) {
            room = room ? 2 * room : 1024;
            all.list = realloc(all.list, room * sizeof *all.list);
            if (!all.list)
                abort();
        }
        all.list[all.count++] =
            (struct named_function){symbol.name, symbol.value, symbol.size, symbol.dynamic};
    }
    if (all.count)
        qsort(all.list, all.count, sizeof *all.list, by_address);
    return all;
}

/* The n-th function, with the bytes up to where the next one begins. */
static inline struct function function_of(const struct elf *elf, const struct functions *all,
                                          size_t n)
{
    const struct named_function *f = &all->list[n];
    struct elf_bytes bytes = elf_stored(elf, f->address);
    struct function made = {{f->address, bytes.at, bytes.size}, f->size};
    for (; n < all->count; n++)
        if (all->list[n].address > f->address) {
            uint64_t room = all->list[n].address - f->address;
            if (room < made.code.length)
                made.code.length = room;
            break;
        }
    return made;
}

/* The executable segments, one by one: `index` counts program headers. */
static inline bool next_text(const struct elf *elf, unsigned *index, struct code *code)
{
    Elf64_Phdr segment;
    while (elf_segment(elf, (*index)++, &segment)) {
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X))
            continue;
        struct elf_bytes bytes = elf_stored(elf, segment.p_vaddr);
        *code = (struct code){segment.p_vaddr, bytes.at, bytes.size};
        if (bytes.at && bytes.size > segment.p_filesz)
            code->length = segment.p_filesz;
        return true;
    }
    return false;
}

#endif
