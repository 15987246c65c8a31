/* sections.c - the debug sections of a file, unpacked. */
#include "sections.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#define MOST_BYTES (256u << 20) /* of a section, unpacked */
#define TOO_LARGE 10            /* times the file */

static const char *const NAMES[SECTIONS] = {
    ".debug_info",   ".debug_abbrev",   ".debug_line",    ".debug_str",         ".debug_line_str",
    ".debug_ranges", ".debug_rnglists", ".debug_aranges", ".debug_str_offsets", ".debug_addr",
};

/* How sections begin that may make gdb look elsewhere, or see another thing. */
static const char *const FOREIGN[] = {
    ".zdebug",      ".stab", ".gnu_debugaltlink", ".gdb_index",
    ".debug_names", ".dwo",  ".debug_cu_index",   ".debug_tu_index",
};

static bool is_foreign(const char *name)
{
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++)
        if (!strncmp(name, FOREIGN[i], strlen(FOREIGN[i])))
            return true;
    size_t length = strlen(name);
    return length > 4 && !strcmp(name + length - 4, ".dwo");
}

static bool unpack(struct sections *sections, unsigned which, struct elf_bytes packed,
                   size_t file_size)
{
    Elf64_Chdr header;
    if (packed.size < sizeof header)
        return false;
    memcpy(&header, packed.at, sizeof header);
    size_t rest = packed.size - sizeof header;
    if (header.ch_size / TOO_LARGE > file_size)
        return false; /* damaged, to some gdb: bfd/section.c, _bfd_section_size_insane */
    if (header.ch_type != ELFCOMPRESS_ZLIB || !header.ch_size || header.ch_size > MOST_BYTES ||
        rest > UINT32_MAX)
        return false;
    uint8_t *room = sections->unpacked[which] = malloc(header.ch_size);
    struct inflate_state state;
    isal_inflate_init(&state);
    state.next_in = (uint8_t *)packed.at + sizeof header;
    state.avail_in = (uint32_t)rest;
    state.next_out = room;
    state.avail_out = (uint32_t)header.ch_size;
    state.crc_flag = ISAL_ZLIB;
    if (room == NULL || isal_inflate_stateless(&state) != ISAL_DECOMP_OK || state.avail_out)
        return false;
    sections->of[which] = (struct elf_bytes){room, header.ch_size};
    return true;
}

static bool take(struct sections *sections, const struct elf *elf, const Elf64_Shdr *section,
                 unsigned which)
{
    if (sections->of[which].at != NULL || section->sh_type != SHT_PROGBITS)
        return false; /* a second one of that name, or one that is elsewhere or nothing */
    if (!section->sh_size)
        return true;
    struct elf_bytes bytes = {elf_at(elf, section->sh_offset, section->sh_size), section->sh_size};
    if (bytes.at == NULL)
        return false;
    if (section->sh_flags & SHF_COMPRESSED)
        return unpack(sections, which, bytes, elf->size);
    sections->of[which] = bytes;
    return true;
}

bool sections_read(struct sections *sections, const struct elf *elf)
{
    memset(sections, 0, sizeof *sections);
    if (elf->type != ET_EXEC && elf->type != ET_DYN)
        return false;
    Elf64_Shdr names;
    if (!elf_section_named(elf, ".shstrtab", &names) || names.sh_type != SHT_STRTAB)
        return false;
    for (unsigned i = 1; i < elf->sections; i++) {
        Elf64_Shdr section;
        if (!elf_section(elf, i, &section))
            return false;
        /* Code at address 0 makes addresses of removed code ordinary ones. */
        if (section.sh_flags & SHF_ALLOC && section.sh_type != SHT_NOBITS && !section.sh_addr)
            return false;
        const char *name = elf_text(elf->section_names, section.sh_name);
        if (is_foreign(name))
            return false;
        for (unsigned which = 0; which < SECTIONS; which++)
            if (!strcmp(name, NAMES[which]) && !take(sections, elf, &section, which))
                return false;
    }
    return sections->of[INFO].size && sections->of[ABBREV].size;
}

void sections_free(struct sections *sections)
{
    for (unsigned i = 0; i < SECTIONS; i++)
        free(sections->unpacked[i]);
}

struct reading section_from(const struct sections *sections, unsigned which, uint64_t offset)
{
    struct elf_bytes bytes = sections->of[which];
    static const uint8_t nothing[1];
    const uint8_t *end = bytes.at ? bytes.at + bytes.size : nothing;
    if (offset >= bytes.size)
        return (struct reading){end, end, true};
    return (struct reading){bytes.at + offset, end, false};
}
