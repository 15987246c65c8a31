/* elf_facts.c - prints what host/elf/elf.h tells of files, for the comparison with another reader. */
#include "host/elf/elf.h"
#include "host/findings/loader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_symbols(const struct elf *elf)
{
    struct elf_symbol_walk walk = {0};
    struct elf_symbol symbol;
    while (elf_next_symbol(elf, &walk, &symbol))
        printf("symbol %d %" PRIu64 " %" PRIu64 " %d %d %d %d %s\n", symbol.dynamic, symbol.value,
               symbol.size, symbol.kind, symbol.bind, symbol.defined, symbol.hidden, symbol.name);
}

static bool print_relocation(void *context, const struct elf_relocation *relocation)
{
    (void)context;
    printf("relocation %" PRIu64 " %u %" PRId64 " %s\n", relocation->offset, relocation->type,
           relocation->addend, relocation->name);
    return true;
}

static void print_list(const char *what, const uint64_t *vaddrs, size_t count)
{
    for (size_t i = 0; i < count && i < 4096; i++)
        printf("%s %" PRIu64 "\n", what, vaddrs[i]);
}

static void print_functions(const struct elf *elf)
{
    static const char *const names[] = {"malloc", "calloc", "realloc", "free", "memalign", "main"};
    struct elf_named found[6];
    elf_functions_named(elf, names, 6, found);
    for (int i = 0; i < 6; i++)
        for (size_t j = 0; j < found[i].count && j < ELF_SAME_NAME; j++)
            printf("function %s %" PRIu64 " %d\n", names[i], found[i].symbols[j].value,
                   found[i].symbols[j].bind);
}

static void print_loader(const struct elf *elf, const char *root, const char *what)
{
    uint64_t vaddrs[ELF_LOADER_NAMES];
    enum elf_source source = elf_loader_malloc(elf, root, vaddrs);
    for (int i = 0; source && i < ELF_LOADER_NAMES; i++)
        printf("%s %d %s %" PRIu64 "\n", what, source, elf_loader_impls[i], vaddrs[i]);
}

static void print_stubs(struct elf *elf)
{
    Elf64_Shdr section;
    static const char *const names[] = {".plt", ".plt.sec", ".plt.got"};
    for (int i = 0; i < 3; i++) {
        if (!elf_section_named(elf, names[i], &section))
            continue;
        for (uint64_t at = section.sh_addr; at < section.sh_addr + section.sh_size; at += 8) {
            const char *name = elf_plt_target(elf, at);
            if (name)
                printf("stub %" PRIu64 " %s\n", at, name);
        }
    }
}

static void print_facts(struct elf *elf)
{
    char id[ELF_BUILD_ID_ROOM];
    uint64_t vaddrs[4096];
    const char *interp = elf_interp(elf), *soname = elf_soname(elf);
    const char *rust = elf_looks_like_rust(elf);
    elf_build_id(elf, id);
    printf("type %u\nentry %" PRIu64 "\nlowest %" PRIu64 "\n", elf->type, elf->entry,
           elf_lowest_vaddr(elf));
    printf("pie %d\nstatic %d\n", elf_is_pie(elf), elf_is_static(elf));
    printf("interp %s\nsoname %s\n", interp ? interp : "", soname ? soname : "");
    printf("rust %s\nbuild_id %s\n", rust ? rust : "", id);
    struct elf_region_marks marks[16];
    for (size_t i = 0, count = elf_region_marks(elf, marks, 16); i < count; i++)
        printf("region %" PRIu64 " %" PRIu64 "\n", marks[i].begin, marks[i].end);
    print_list("initialiser", vaddrs, elf_initialisers(elf, vaddrs, 4096));
    print_list("finaliser", vaddrs, elf_finalisers(elf, vaddrs, 4096));
}

int main(int argc, char **argv)
{
    struct elf elf;
    if (argc < 2 || elf_open(&elf, argv[1]) != 0)
        return fprintf(stderr, "elf_facts: %s\n", argc < 2 ? "no file named" : elf.error), 2;
    print_facts(&elf);
    print_functions(&elf);
    print_loader(&elf, "/usr/lib/debug", "loader");
    print_loader(&elf, NULL, "loader_by_shape");
    print_stubs(&elf);
    if (argc > 2 && !strcmp(argv[2], "all")) {
        print_symbols(&elf);
        elf_each_relocation(&elf, print_relocation, NULL);
    }
    elf_close(&elf);
    return 0;
}
