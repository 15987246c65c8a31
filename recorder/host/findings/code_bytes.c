/* code_bytes.c - which bytes of an executable segment are code (code_bytes.h). */
#include "code_bytes.h"

#define FEW_BYTES 65536 /* in so few the bytes of a system call are one */

static bool is_executable(const Elf64_Shdr *section)
{
    const uint64_t flags = SHF_ALLOC | SHF_EXECINSTR;
    return section->sh_type != SHT_NOBITS && (section->sh_flags & flags) == flags;
}

static bool in_executable_section(const struct elf *elf, uint64_t vaddr)
{
    Elf64_Shdr section;
    for (unsigned i = 0; elf_section(elf, i, &section); i++)
        if (is_executable(&section) && vaddr - section.sh_addr < section.sh_size)
            return true;
    return false;
}

/* Whether the file tells: it has executable sections, and a program begins in one. */
static bool has_sections(const struct elf *elf)
{
    Elf64_Shdr section;
    for (unsigned i = 0; elf_section(elf, i, &section); i++)
        if (is_executable(&section))
            return elf->entry == 0 || in_executable_section(elf, elf->entry);
    return false;
}

struct code code_bytes(const struct elf *elf, const struct code *code)
{
    uint64_t begin = code->address, end = begin + code->length, low = end, high = begin;
    Elf64_Shdr section;
    if (!has_sections(elf))
        return *code;
    for (unsigned i = 0; elf_section(elf, i, &section); i++) {
        uint64_t from = section.sh_addr, to = from + section.sh_size;
        if (!is_executable(&section) || to < from || to <= begin || from >= end)
            continue;
        low = from < low ? from : low;
        high = to > high ? to : high;
    }
    low = low < begin ? begin : low;
    high = high > end ? end : high;
    if (low >= high)
        return (struct code){begin, code->bytes, 0};
    return (struct code){low, code->bytes + (low - begin), high - low};
}

/* How many of text's functions begin before `vaddr`: the same of all sites between two of them. */
static size_t begun_before(const struct text *text, uint64_t vaddr, size_t from)
{
    while (from < text->count && text->functions[from].address <= vaddr)
        from++;
    return from;
}

/* Of the uncertain sites from `first` on that lie between the same two functions: whether as many have
 * a number as have none. *end: behind the last of them. */
static bool has_numbers(const struct text *text, const struct syscall_sites *sites, size_t first,
                        size_t *functions, size_t *end)
{
    size_t known = 0, unknown = 0, i = first;
    *functions = begun_before(text, sites->list[first].address, *functions);
    for (; i < sites->count; i++) {
        if (begun_before(text, sites->list[i].address, *functions) != *functions)
            break;
        if (!sites->list[i].certain && sites->list[i].number == SYSCALL_UNKNOWN)
            unknown++;
        else if (!sites->list[i].certain)
            known++;
    }
    *end = i;
    return known >= unknown;
}

/* Straight code leads to it from the end of the function before: glibc's clone ends its entry of the
 * unwind tables in front of the syscall (sysdeps/unix/sysv/linux/x86_64/clone.S). */
static bool goes_on(const struct text *text, size_t functions, const struct syscall_site *site)
{
    const struct extent *before = functions > 0 ? &text->functions[functions - 1] : NULL;
    return before != NULL && site->line == before->address + before->length;
}

void code_bytes_believe(const struct elf *elf, const struct text *text, struct syscall_sites *sites)
{
    bool sections = has_sections(elf);
    bool is_untold = text->count == 0 && (sections || text->code.length < FEW_BYTES);
    size_t kept = 0, functions = 0;
    for (size_t i = 0; i < sites->count; i++)
        if (sites->list[i].certain || !sections ||
            in_executable_section(elf, sites->list[i].address))
            sites->list[kept++] = sites->list[i];
    sites->count = kept;
    kept = 0;
    for (size_t i = 0, end; i < sites->count; i = end) {
        bool all = has_numbers(text, sites, i, &functions, &end) || is_untold;
        for (size_t k = i; k < end; k++) {
            const struct syscall_site *site = &sites->list[k];
            if (all || site->certain || site->number != SYSCALL_UNKNOWN || site->hands_on ||
                goes_on(text, functions, site))
                sites->list[kept++] = *site;
        }
    }
    sites->count = kept;
}
