/* findings_kept.c - FOLDER FILE: what is found in an ELF file, as a digest, and whether FOLDER held it
 * ("kept") or it was found anew; it is kept for the next call. */
#include "host/findings/findings.h"

#include <stdio.h>
#include <zlib.h>

static uint32_t digest;

static void add(const void *bytes, size_t size)
{
    digest = (uint32_t)crc32_z(digest, bytes, size);
}

static void add_number(uint64_t number)
{
    add(&number, sizeof number);
}

static void add_sites(struct findings *f, const struct elf *elf, uint64_t vaddr, uint64_t size)
{
    struct elf_bytes held = elf_stored(elf, vaddr);
    struct code code = {vaddr, held.at, held.size < size ? held.size : size};
    const struct syscall_sites *sites = found_syscall_sites(f, elf, &code);
    add_number(sites->count);
    for (size_t i = 0; i < sites->count; i++) {
        const struct syscall_site *site = &sites->list[i];
        struct range range = {site->address, site->address + 5, false};
        found_branches(f, &code, &range, 1);
        add_number(site->address);
        add_number((uint64_t)site->number);
        add_number(site->refusal == MOVED ? site->start ^ site->length : site->refusal);
        add_number(range.branched_into);
    }
}

static void add_functions(struct findings *f, const struct elf *elf)
{
    static const char *const names[] = {"malloc", "free", "exit", "main", "no such function"};
    struct elf_named found[5];
    uint64_t vaddrs[ELF_LOADER_NAMES];
    found_functions(f, elf, names, 5, found);
    for (size_t i = 0; i < 5; i++) {
        add_number(found[i].count);
        add_number(found[i].count ? found[i].symbols[0].value : 0);
    }
    bool has_loader = found_loader(f, elf, NULL, vaddrs);
    add_number(has_loader);
    for (int i = 0; has_loader && i < ELF_LOADER_NAMES; i++)
        add_number(vaddrs[i]);
    add_number(found_rust(f, elf));
}

int main(int argc, char **argv)
{
    static struct known_files known; /* in the end not freed, as the recorder does */
    struct elf elf;
    Elf64_Phdr segment;
    if (argc != 3 || elf_open(&elf, argv[2]) != 0)
        return 2;
    known.folder = argv[1];
    struct findings *f = findings_of(&known, &elf, 0, true);
    if (f == NULL)
        return 3;
    const char *how = f->is_new ? "anew" : "kept";
    add(f->unwind.pcs, f->unwind.rows * sizeof *f->unwind.pcs);
    add(f->unwind.kind, f->unwind.rows * sizeof *f->unwind.kind);
    add(f->unwind.kinds, f->unwind.kind_count * sizeof *f->unwind.kinds);
    add(f->unwind.extents, f->unwind.extent_count * sizeof *f->unwind.extents);
    for (unsigned i = 0; elf_segment(&elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && segment.p_flags & PF_X)
            add_sites(f, &elf, segment.p_vaddr, segment.p_filesz);
    add_functions(f, &elf);
    printf("%s %zu %08x\n", how, f->unwind.rows, digest);
    findings_store_all(&known);
    elf_close(&elf);
    return 0;
}
