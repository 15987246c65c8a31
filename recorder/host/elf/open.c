/* elf/open.c - opening an ELF file and finding its tables, and closing it. */
#include "elf.h"
#include "tables.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTIONS (1u << 17)
#define MAX_SEGMENTS (1u << 7) /* the kernel runs no program with more than 73, one page of them */
#define MAX_DYNAMIC (1u << 12)
#define LARGE (16u << 20) /* bytes of a file of which it matters how much is in memory */

static int fail(struct elf *elf, const char *why)
{
    elf_close(elf);
    elf->error = why;
    return -1;
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

/* Symbols of .gnu_debugdata: an ELF file in this one. */
static void take_packed(struct elf *elf)
{
    struct elf held;
    size_t size;
    uint8_t *bytes = elf_unpack(elf, &size);
    if (bytes == NULL)
        return;
    if (elf_open_memory(&held, bytes, size) == 0 && held.symtab.count > 0) {
        elf->symtab = held.symtab;
        elf->unpacked = bytes;
        return;
    }
    elf_close(&held);
    free(bytes);
}

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
        elf->dynamic = elf_upto(elf, dynamic.p_offset, size);
    }
    elf_find_tables(elf);
    if (elf->mapped && elf->symtab.count == 0 && (elf_interp(elf) || elf_is_static(elf)))
        take_packed(elf); /* of a library .dynsym is enough */
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
