/* elf_facts.c - what kind of file this is: program or library, build id, language. */
#define _GNU_SOURCE /* memmem */
#include "elf.h"

#include <string.h>

#define NT_BUILD_ID 3 /* NT_GNU_BUILD_ID */
#define MAX_NOTES (1u << 16)
#define MAX_SEARCHED (1u << 28)

/* What std leaves behind in panic messages and in .comment, also when symbols are stripped. */
static const struct {
    const char *mark, *told;
} rust_marks[] = {
    {"library/std/src", "library/std/src"},
    {"library/core/src", "library/core/src"},
    {"library/alloc/src", "library/alloc/src"},
    {"rustc version ", "rustc version"},
};

const char *elf_interp(const struct elf *elf)
{
    Elf64_Phdr segment;
    if (!elf_segment_of(elf, PT_INTERP, &segment))
        return NULL;
    struct elf_bytes text = {elf_at(elf, segment.p_offset, segment.p_filesz), segment.p_filesz};
    return text.at && *elf_text(text, 0) ? elf_text(text, 0) : NULL;
}

const char *elf_soname(const struct elf *elf)
{
    uint64_t names, at;
    if (!elf_dynamic(elf, DT_STRTAB, &names) || !elf_dynamic(elf, DT_SONAME, &at))
        return NULL;
    const char *name = elf_text(elf_stored(elf, names), at);
    return *name ? name : NULL;
}

/* Linkers before 2016 do not mark programs: those are told by their loader. */
bool elf_is_pie(const struct elf *elf)
{
    uint64_t flags = 0, soname;
    if (elf->type != ET_DYN)
        return false;
    if (elf_dynamic(elf, DT_FLAGS_1, &flags) && flags & DF_1_PIE)
        return true;
    return elf_interp(elf) && !elf_dynamic(elf, DT_SONAME, &soname);
}

bool elf_is_static(const struct elf *elf)
{
    return !elf_interp(elf) && (elf->type == ET_EXEC || elf_is_pie(elf));
}

static bool build_id_in(struct elf_bytes notes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = notes.size < MAX_NOTES ? notes.size : MAX_NOTES, at = 0;
    while (at + 16 <= size) {
        uint32_t head[3];
        memcpy(head, notes.at + at, sizeof head);
        uint64_t start = at + 12 + (((uint64_t)head[0] + 3) & ~(uint64_t)3);
        bool wanted = head[2] == NT_BUILD_ID && !memcmp(notes.at + at + 12, "GNU", 4);
        if (wanted && head[1] > 0 && head[1] <= 64 && start + head[1] <= size) {
            for (uint32_t i = 0; i < head[1]; i++) {
                *text++ = digits[notes.at[start + i] >> 4];
                *text++ = digits[notes.at[start + i] & 15];
            }
            *text = 0;
            return true;
        }
        at = start + (((uint64_t)head[1] + 3) & ~(uint64_t)3);
    }
    return false;
}

void elf_build_id(const struct elf *elf, char text[ELF_BUILD_ID_ROOM])
{
    Elf64_Phdr segment;
    text[0] = 0;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++) {
        if (segment.p_type != PT_NOTE)
            continue;
        struct elf_bytes notes = {elf_at(elf, segment.p_offset, segment.p_filesz),
                                  segment.p_filesz};
        if (notes.at && build_id_in(notes, text))
            return;
    }
    build_id_in(elf_bytes_named(elf, ".note.gnu.build-id"), text);
}

static const char *rust_mark_in(struct elf_bytes bytes)
{
    size_t size = bytes.size < MAX_SEARCHED ? bytes.size : MAX_SEARCHED;
    for (size_t i = 0; bytes.at && i < sizeof rust_marks / sizeof *rust_marks; i++)
        if (memmem(bytes.at, size, rust_marks[i].mark, strlen(rust_marks[i].mark)))
            return rust_marks[i].told;
    return NULL;
}

const char *elf_looks_like_rust(const struct elf *elf)
{
    struct elf_bytes comment = elf_bytes_named(elf, ".comment");
    struct elf_bytes data = elf_bytes_named(elf, ".rodata");
    const char *mark = rust_mark_in(comment);
    if (mark || comment.at || data.at)
        return mark ? mark : rust_mark_in(data);
    Elf64_Phdr segment;
    for (unsigned i = 0; !mark && elf_segment(elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && !(segment.p_flags & PF_W))
            mark = rust_mark_in(elf_stored(elf, segment.p_vaddr));
    return mark;
}
