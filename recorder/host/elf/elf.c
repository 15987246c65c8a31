/* elf/elf.c - what an open ELF file holds: its segments, sections and dynamic tags. */
#include "elf.h"

#include <string.h>

#define MAX_TEXT (1u << 15)

const uint8_t *elf_at(const struct elf *elf, uint64_t offset, uint64_t size)
{
    bool inside = offset <= elf->size && size <= elf->size - offset;
    return inside ? elf->data + offset : NULL;
}

struct elf_bytes elf_upto(const struct elf *elf, uint64_t offset, uint64_t size)
{
    if (offset >= elf->size)
        return (struct elf_bytes){NULL, 0};
    if (size > elf->size - offset)
        size = elf->size - offset;
    return (struct elf_bytes){elf->data + offset, size};
}

const char *elf_text(struct elf_bytes from, uint64_t offset)
{
    if (offset >= from.size)
        return "";
    size_t size = from.size - offset;
    if (size > MAX_TEXT)
        size = MAX_TEXT;
    const char *text = (const char *)from.at + offset;
    return memchr(text, 0, size) ? text : "";
}

bool elf_segment(const struct elf *elf, unsigned index, Elf64_Phdr *segment)
{
    if (index >= elf->segments)
        return false;
    uint64_t place = elf->segment_table + (uint64_t)index * elf->segment_size;
    memcpy(segment, elf->data + place, sizeof *segment);
    return true;
}

bool elf_segment_of(const struct elf *elf, uint32_t type, Elf64_Phdr *segment)
{
    for (unsigned i = 0; elf_segment(elf, i, segment); i++)
        if (segment->p_type == type)
            return true;
    return false;
}

bool elf_section(const struct elf *elf, unsigned index, Elf64_Shdr *section)
{
    if (index >= elf->sections)
        return false;
    uint64_t place = elf->section_table + (uint64_t)index * elf->section_size;
    memcpy(section, elf->data + place, sizeof *section);
    return true;
}

bool elf_section_named(const struct elf *elf, const char *name, Elf64_Shdr *section)
{
    for (unsigned i = 0; elf_section(elf, i, section); i++)
        if (!strcmp(elf_text(elf->section_names, section->sh_name), name))
            return true;
    return false;
}

struct elf_bytes elf_section_bytes(const struct elf *elf, const Elf64_Shdr *section)
{
    bool held = section->sh_type != SHT_NOBITS && !(section->sh_flags & SHF_COMPRESSED);
    const uint8_t *at = held ? elf_at(elf, section->sh_offset, section->sh_size) : NULL;
    return (struct elf_bytes){at, at ? section->sh_size : 0};
}

struct elf_bytes elf_bytes_named(const struct elf *elf, const char *name)
{
    Elf64_Shdr section;
    if (!elf_section_named(elf, name, &section))
        return (struct elf_bytes){NULL, 0};
    return elf_section_bytes(elf, &section);
}

struct elf_bytes elf_stored(const struct elf *elf, uint64_t vaddr)
{
    Elf64_Phdr segment;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++) {
        uint64_t skip = vaddr - segment.p_vaddr;
        bool inside = vaddr >= segment.p_vaddr && skip < segment.p_filesz;
        if (segment.p_type == PT_LOAD && inside && segment.p_offset + skip >= skip)
            return elf_upto(elf, segment.p_offset + skip, segment.p_filesz - skip);
    }
    return (struct elf_bytes){NULL, 0};
}

bool elf_is_loaded(const struct elf *elf, uint64_t vaddr, uint32_t flags)
{
    Elf64_Phdr segment;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && (segment.p_flags & flags) == flags &&
            vaddr >= segment.p_vaddr && vaddr - segment.p_vaddr < segment.p_memsz)
            return true;
    return false;
}

bool elf_word(const struct elf *elf, uint64_t vaddr, uint64_t *word)
{
    struct elf_bytes held = elf_stored(elf, vaddr);
    *word = 0;
    memcpy(word, held.at ? held.at : (const uint8_t *)"", held.size < 8 ? held.size : 8);
    return held.size >= 8 || (vaddr <= UINT64_MAX - 7 && elf_is_loaded(elf, vaddr + 7, 0));
}

bool elf_dynamic(const struct elf *elf, int64_t tag, uint64_t *value)
{
    Elf64_Dyn row;
    for (size_t at = 0; at + sizeof row <= elf->dynamic.size; at += sizeof row) {
        memcpy(&row, elf->dynamic.at + at, sizeof row);
        if (row.d_tag == DT_NULL)
            break;
        *value = row.d_un.d_val;
        if (row.d_tag == tag)
            return true;
    }
    return false;
}

uint64_t elf_lowest_vaddr(const struct elf *elf)
{
    Elf64_Phdr segment;
    uint64_t lowest = UINT64_MAX;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && segment.p_vaddr < lowest)
            lowest = segment.p_vaddr;
    return lowest == UINT64_MAX ? 0 : lowest & ~(uint64_t)0xfff;
}
