/* elf/facts.c - what kind of file this is: program or library, build id, language. */
#define _GNU_SOURCE /* memmem */
#include "elf.h"

#include <string.h>

#define NT_BUILD_ID 3 /* NT_GNU_BUILD_ID */
#define NT_REGION 1   /* region/markers.S */
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

/* Where the next note of that name and type is described, from *at on; no bytes: there is none. */
static struct elf_bytes next_note(struct elf_bytes notes, size_t *at, const char *name,
                                  uint32_t type)
{
    size_t size = notes.size < MAX_NOTES ? notes.size : MAX_NOTES, length = strlen(name) + 1;
    while (*at + 16 <= size) {
        uint32_t head[3];
        size_t named = *at + 12;
        memcpy(head, notes.at + *at, sizeof head);
        uint64_t start = named + (((uint64_t)head[0] + 3) & ~(uint64_t)3);
        *at = start + (((uint64_t)head[1] + 3) & ~(uint64_t)3);
        if (head[2] == type && head[0] == length && start + head[1] <= size &&
            !memcmp(notes.at + named, name, length))
            return (struct elf_bytes){notes.at + start, head[1]};
    }
    return (struct elf_bytes){NULL, 0};
}

static bool build_id_in(struct elf_bytes notes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    struct elf_bytes found;
    for (size_t at = 0; (found = next_note(notes, &at, "GNU", NT_BUILD_ID)).at;) {
        for (size_t i = 0; i < found.size && found.size <= 64; i++) {
            *text++ = digits[found.at[i] >> 4];
            *text++ = digits[found.at[i] & 15];
        }
        *text = 0;
        if (found.size > 0 && found.size <= 64)
            return true;
    }
    return false;
}

size_t elf_region_marks(const struct elf *elf, struct elf_region_marks *marks, size_t room)
{
    Elf64_Phdr segment;
    size_t count = 0;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++) {
        struct elf_bytes found, notes = {NULL, 0};
        if (segment.p_type == PT_NOTE)
            notes = (struct elf_bytes){elf_at(elf, segment.p_offset, segment.p_filesz),
                                       segment.p_filesz};
        for (size_t at = 0;
             notes.at && (found = next_note(notes, &at, "brkpoint", NT_REGION)).at;) {
            int32_t away[2];
            if (found.size != sizeof away || count == room)
                continue;
            uint64_t place = segment.p_vaddr + (uint64_t)(found.at - notes.at);
            memcpy(away, found.at, sizeof away);
            marks[count++] = (struct elf_region_marks){place + (uint64_t)(int64_t)away[0],
                                                       place + 4 + (uint64_t)(int64_t)away[1]};
        }
    }
    return count;
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
