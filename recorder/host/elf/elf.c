/* elf.c - opening an ELF file; its headers, segments, sections and dynamic tags. */
#include "elf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTIONS (1u << 17)
#define MAX_SEGMENTS (1u << 7) /* the kernel runs no program with more than 73, one page of them */
#define MAX_DYNAMIC (1u << 12)
#define MAX_TEXT (1u << 15)
#define LARGE (16u << 20) /* bytes of a file of which it matters how much is in memory */

static int fail(struct elf *elf, const char *why)
{
    elf_close(elf);
    elf->error = why;
    return -1;
}

const uint8_t *elf_at(const struct elf *elf, uint64_t offset, uint64_t size)
{
    bool inside = offset <= elf->size && size <= elf->size - offset;
    return inside ? elf->data + offset : NULL;
}

/* As much of a range as the file holds. */
static struct elf_bytes upto(const struct elf *elf, uint64_t offset, uint64_t size)
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
            return upto(elf, segment.p_offset + skip, segment.p_filesz - skip);
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

static void find_segments(struct elf *elf, const Elf64_Ehdr *header)
{
    uint64_t bytes = (uint64_t)header->e_phnum * header->e_phentsize;
    if (header->e_phentsize < sizeof(Elf64_Phdr) || header->e_phnum > MAX_SEGMENTS ||
        !elf_at(elf, header->e_phoff, bytes))
        return;
    elf->segments = header->e_phnum;
    elf->segment_size = header->e_phentsize;
    elf->segment_table = header->e_phoff;
}

/* More than 65279 sections: the first header holds the count (gABI, "extended numbering"). */
static void find_sections(struct elf *elf, const Elf64_Ehdr *header)
{
    Elf64_Shdr first;
    const uint8_t *at = elf_at(elf, header->e_shoff, sizeof first);
    if (!header->e_shoff || header->e_shentsize < sizeof first || !at)
        return;
    memcpy(&first, at, sizeof first);
    uint64_t count = header->e_shnum ? header->e_shnum : first.sh_size;
    uint64_t names = header->e_shstrndx == SHN_XINDEX ? first.sh_link : header->e_shstrndx;
    if (count > MAX_SECTIONS || !elf_at(elf, header->e_shoff, count * header->e_shentsize))
        return;
    elf->sections = count;
    elf->section_size = header->e_shentsize;
    elf->section_table = header->e_shoff;
    if (names < count && elf_section(elf, names, &first))
        elf->section_names = elf_section_bytes(elf, &first);
}

void elf_find_tables(struct elf *elf); /* elf/symbols.c */

static int read_header(struct elf *elf)
{
    Elf64_Ehdr header;
    if (elf->size < sizeof header)
        return fail(elf, "too short for an ELF file");
    memcpy(&header, elf->data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG))
        return fail(elf, "not an ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
        return fail(elf, "not an x86-64 file");
    elf->type = header.e_type;
    elf->entry = header.e_entry;
    find_segments(elf, &header);
    find_sections(elf, &header);
    Elf64_Phdr dynamic;
    if (elf_segment_of(elf, PT_DYNAMIC, &dynamic)) {
        uint64_t most = MAX_DYNAMIC * sizeof(Elf64_Dyn);
        uint64_t size = dynamic.p_filesz < most ? dynamic.p_filesz : most;
        elf->dynamic = upto(elf, dynamic.p_offset, size);
    }
    elf_find_tables(elf);
    return 0;
}

int elf_open_memory(struct elf *elf, const void *data, size_t size)
{
    memset(elf, 0, sizeof *elf);
    elf->data = data;
    elf->size = size;
    return read_header(elf);
}

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

void elf_identify(struct elf *elf, const struct stat *status)
{
    elf->size = (size_t)status->st_size;
    elf->identity = status->st_dev * 0x9e3779b97f4a7c15u + status->st_ino;
    elf->inode = status->st_ino;
    elf->mtime_ns = nanoseconds(&status->st_mtim);
    elf->ctime_ns = nanoseconds(&status->st_ctim);
}

int elf_open_fd(struct elf *elf, int fd, const char *path)
{
    memset(elf, 0, sizeof *elf);
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(elf, "not a regular file");
    if (status.st_size < (off_t)sizeof(Elf64_Ehdr))
        return fail(elf, "too short for an ELF file");
    void *data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return fail(elf, "cannot be mapped");
    elf->data = data;
    elf->mapped = true;
    elf->path = path;
    elf_identify(elf, &status);
    return read_header(elf);
}

/* O_NONBLOCK: opening a FIFO that stands in for a library must not wait for a writer. */
int elf_open(struct elf *elf, const char *path)
{
    memset(elf, 0, sizeof *elf);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(elf, "cannot be opened");
    int result = elf_open_fd(elf, fd, path);
    close(fd);
    return result;
}

void elf_rest(const struct elf *elf)
{
    bool is_file = elf->identity != 0; /* else it may be memory that is nowhere else */
    if (is_file && elf->size >= LARGE)
        madvise((void *)elf->data, elf->size, MADV_DONTNEED);
}

void elf_close(struct elf *elf)
{
    free(elf->slots);
    free(elf->unpacked);
    if (elf->mapped)
        munmap((void *)elf->data, elf->size);
    memset(elf, 0, sizeof *elf);
}
