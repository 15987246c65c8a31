/* elf/relocations.c - relocations, and what they tell: initialisers, and where a slot leads.
 *
 * In a position-independent file the pointers of .init_array may be zero in the file and stand in
 * the relocations only, so arrays are read through those (AMD64 psABI, "Relocation Types").
 */
#include "elf.h"

#include <stdlib.h>
#include <string.h>

#ifndef DT_RELR /* glibc before 2.36 */
#define DT_RELRSZ 35
#define DT_RELR 36
#endif
#define MAX_ARRAY (1u << 16)
#define MAX_NAMED 256 /* initialisers of one array that are told by name: compilers write none */

struct walk {
    elf_relocation_fn *each;
    void *context;
    bool done;
};

static const char *dynamic_name(const struct elf *elf, uint64_t index)
{
    Elf64_Sym row;
    if (!index || index >= elf->dynsym.count)
        return "";
    memcpy(&row, elf->dynsym.rows.at + index * sizeof row, sizeof row);
    return elf_text(elf->dynsym.names, row.st_name);
}

static void walk_rela(const struct elf *elf, struct elf_bytes table, struct walk *walk)
{
    Elf64_Rela row;
    for (size_t at = 0; !walk->done && at + sizeof row <= table.size; at += sizeof row) {
        memcpy(&row, table.at + at, sizeof row);
        struct elf_relocation relocation = {row.r_offset, ELF64_R_TYPE(row.r_info), row.r_addend,
                                            dynamic_name(elf, ELF64_R_SYM(row.r_info))};
        walk->done = !walk->each(walk->context, &relocation);
    }
}

static struct elf_bytes dynamic_bytes(const struct elf *elf, int64_t where, int64_t size)
{
    uint64_t vaddr, bytes;
    if (!elf_dynamic(elf, where, &vaddr) || !elf_dynamic(elf, size, &bytes))
        return (struct elf_bytes){NULL, 0};
    struct elf_bytes found = elf_stored(elf, vaddr);
    return bytes <= found.size ? (struct elf_bytes){found.at, bytes} : (struct elf_bytes){NULL, 0};
}

static void relative(const struct elf *elf, uint64_t offset, struct walk *walk)
{
    uint64_t word;
    if (walk->done || !elf_word(elf, offset, &word))
        return;
    struct elf_relocation relocation = {offset, R_X86_64_RELATIVE, (int64_t)word, ""};
    walk->done = !walk->each(walk->context, &relocation);
}

/* DT_RELR: an even word is an address, an odd one a bitmap of the 63 words after it. */
static void walk_relr(const struct elf *elf, struct elf_bytes table, struct walk *walk)
{
    uint64_t next = 0, word;
    for (size_t at = 0; !walk->done && at + 8 <= table.size; at += 8) {
        memcpy(&word, table.at + at, 8);
        if (!(word & 1)) {
            relative(elf, word, walk);
            next = word + 8;
            continue;
        }
        for (unsigned bit = 0; bit < 63; bit++)
            if (word >> (bit + 1) & 1)
                relative(elf, next + 8 * bit, walk);
        next += 8 * 63;
    }
}

/* A static program's start-up code applies its own: no dynamic section names them. Sections that
 * hold more than the file together lie over each other, and would cost without end. */
static void walk_sections(const struct elf *elf, struct walk *walk)
{
    Elf64_Shdr section;
    size_t left = elf->size;
    for (unsigned i = 0; elf_section(elf, i, &section); i++) {
        if (section.sh_type != SHT_RELA || !(section.sh_flags & SHF_ALLOC))
            continue;
        struct elf_bytes rows = elf_section_bytes(elf, &section);
        if (rows.size > left)
            return;
        left -= rows.size;
        walk_rela(elf, rows, walk);
    }
}

void elf_each_relocation(const struct elf *elf, elf_relocation_fn *each, void *context)
{
    struct walk walk = {each, context, false};
    walk_rela(elf, dynamic_bytes(elf, DT_RELA, DT_RELASZ), &walk);
    walk_rela(elf, dynamic_bytes(elf, DT_JMPREL, DT_PLTRELSZ), &walk);
    if (!elf->dynamic.size)
        walk_sections(elf, &walk);
    walk_relr(elf, dynamic_bytes(elf, DT_RELR, DT_RELRSZ), &walk);
}

/* The words of one array, as the relocations make them. */
struct array {
    const struct elf *elf;
    uint64_t start, count, *values;
    unsigned named;
};

static bool fill(void *context, const struct elf_relocation *relocation)
{
    struct array *array = context;
    uint64_t index = (relocation->offset - array->start) / 8;
    if (relocation->offset < array->start || index >= array->count || relocation->offset % 8)
        return true;
    struct elf_symbol symbol;
    uint64_t value = 0; /* another file defines it */
    if (relocation->type == R_X86_64_RELATIVE)
        value = relocation->addend;
    else if (relocation->type == R_X86_64_64 && *relocation->name && array->named++ < MAX_NAMED &&
             elf_function(array->elf, relocation->name, &symbol))
        value = symbol.value + relocation->addend;
    array->values[index] = value;
    return true;
}

static bool array_place(const struct elf *elf, int64_t where, int64_t size, const char *name,
                        uint64_t *start, uint64_t *bytes)
{
    Elf64_Shdr section;
    if (elf->dynamic.size)
        return elf_dynamic(elf, where, start) && elf_dynamic(elf, size, bytes);
    if (!elf_section_named(elf, name, &section))
        return false;
    *start = section.sh_addr;
    *bytes = section.sh_size;
    return true;
}

struct list {
    uint64_t *vaddrs;
    size_t room, count;
};

static void append(struct list *list, uint64_t vaddr)
{
    if (!vaddr || vaddr == UINT64_MAX)
        return;
    if (list->count < list->room)
        list->vaddrs[list->count] = vaddr;
    list->count++;
}

static void append_array(const struct elf *elf, int64_t where, int64_t size, const char *name,
                         struct list *list)
{
    uint64_t start, bytes;
    if (!array_place(elf, where, size, name, &start, &bytes) || !start || bytes / 8 > MAX_ARRAY)
        return;
    struct array array = {elf, start, bytes / 8, calloc(bytes / 8 + 1, 8), 0};
    if (!array.values)
        return;
    for (uint64_t i = 0; i < array.count; i++)
        elf_word(elf, start + 8 * i, &array.values[i]);
    elf_each_relocation(elf, fill, &array);
    for (uint64_t i = 0; i < array.count; i++)
        append(list, array.values[i]);
    free(array.values);
}

static void append_single(const struct elf *elf, int64_t tag, const char *name, struct list *list)
{
    Elf64_Shdr section;
    uint64_t value = 0;
    if (elf->dynamic.size)
        append(list, elf_dynamic(elf, tag, &value) ? value : 0);
    else if (elf_section_named(elf, name, &section))
        append(list, section.sh_addr);
}

size_t elf_initialisers(const struct elf *elf, uint64_t *vaddrs, size_t room)
{
    struct list list = {vaddrs, room, 0};
    append_array(elf, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, ".preinit_array", &list);
    append_single(elf, DT_INIT, ".init", &list);
    append_array(elf, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, ".init_array", &list);
    return list.count;
}

size_t elf_finalisers(const struct elf *elf, uint64_t *vaddrs, size_t room)
{
    struct list list = {vaddrs, room, 0};
    append_array(elf, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, ".fini_array", &list);
    append_single(elf, DT_FINI, ".fini", &list);
    return list.count;
}
