/* detour_list.c - what the moving of code finds in a file, one line each, for the tests to judge.
 *
 *   detour_list entries FILE    NAME ADDRESS EXPORTED DISPLACED moved|REASON
 *   detour_list sites FILE      ADDRESS NUMBER CERTAIN STACK START LENGTH moved|REASON
 *   detour_list main FILE       main ADDRESS | none | unclear, then: user ADDRESS | user none
 *
 * Behind FILE: --no-symbols, as if the file had none; --whole, look for jumps from other functions.
 */
#include "functions_of.h"
#include "host/code/branches.h"
#include "host/code/syscall_detour.h"
#include "host/code/startup.h"

#include <string.h>

struct entry {
    enum refusal refusal;
    struct moved moved;
};

/* Refuses those whose first bytes other functions jump into. `entries` are by address. */
static void look_in_whole(const struct elf *elf, struct entry *entries, size_t count)
{
    struct range *ranges = calloc(count + 1, sizeof *ranges);
    struct code text;
    unsigned index = 0;
    size_t used = 0;
    for (size_t n = 0; n < count; n++)
        if (entries[n].refusal == MOVED &&
            (!used || ranges[used - 1].high <= moved_range(&entries[n].moved).low))
            ranges[used++] = moved_range(&entries[n].moved);
    while (next_text(elf, &index, &text))
        find_branches_into(&text, ranges, used);
    for (size_t n = 0; n < count; n++)
        for (size_t r = 0; entries[n].refusal == MOVED && r < used; r++)
            if (ranges[r].branched_into && ranges[r].low == moved_range(&entries[n].moved).low)
                entries[n].refusal = BRANCHED_INTO;
    free(ranges);
}

static int list_entries(const struct elf *elf, const struct functions *all, bool whole)
{
    struct entry *entries = calloc(all->count + 1, sizeof *entries);
    for (size_t n = 0; n < all->count; n++) {
        struct function f = function_of(elf, all, n);
        entries[n].refusal = detour_entry(&f, JUMP_BYTES, f.code.address, &entries[n].moved);
    }
    if (whole)
        look_in_whole(elf, entries, all->count);
    for (size_t n = 0; n < all->count; n++)
        printf("%s %#lx %s %u %s\n", all->list[n].name, all->list[n].address,
               all->list[n].exported ? "exported" : "local",
               entries[n].refusal == MOVED ? entries[n].moved.displaced : 0,
               refusal_text(entries[n].refusal));
    free(entries);
    return 0;
}

static void print_sites(const struct text *text)
{
    static const struct syscall_hooks hooks = {0x1000, 0x2000, 7};
    struct syscall_sites sites;
    if (!syscall_sites_find(text, &sites))
        abort();
    for (size_t n = 0; n < sites.count; n++) {
        const struct syscall_site *site = &sites.list[n];
        struct moved moved;
        enum refusal refusal = syscall_detour(&text->code, site, &hooks, 0x3000, &moved);
        printf("%#lx %d %s %d %#lx %u %s\n", site->address, site->number,
               site->certain ? "certain" : "uncertain", site->stack, site->start, site->length,
               refusal_text(refusal));
    }
    syscall_sites_free(&sites);
}

static int list_sites(const struct elf *elf, const struct functions *all)
{
    struct extent *extents = calloc(all->count + 1, sizeof *extents);
    struct text text = {.functions = extents, .count = all->count};
    unsigned index = 0;
    for (size_t n = 0; n < all->count; n++)
        extents[n] = (struct extent){all->list[n].address, all->list[n].size};
    while (next_text(elf, &index, &text.code))
        print_sites(&text);
    free(extents);
    return 0;
}

static bool code_at(void *context, uint64_t address, struct code *out)
{
    unsigned index = 0;
    while (next_text(context, &index, out)) {
        if (address < out->address || address - out->address >= out->length)
            continue;
        size_t offset = address - out->address;
        *out = (struct code){address, out->bytes + offset, out->length - offset};
        return true;
    }
    return false;
}

struct wanted_word {
    uint64_t address, value;
    bool found;
};

static bool is_wanted(void *context, const struct elf_relocation *relocation)
{
    struct wanted_word *wanted = context;
    if (relocation->offset != wanted->address || relocation->type != R_X86_64_RELATIVE)
        return true;
    wanted->value = (uint64_t)relocation->addend;
    wanted->found = true;
    return false;
}

/* As the loader will leave it, with a bias of 0. */
static bool word_at(void *context, uint64_t address, uint64_t *value)
{
    struct wanted_word wanted = {.address = address};
    elf_each_relocation(context, is_wanted, &wanted);
    *value = wanted.value;
    return wanted.found || elf_word(context, address, value);
}

static int list_main(struct elf *elf)
{
    struct code_source source = {code_at, word_at, elf};
    uint64_t address, user;
    enum main_found found = find_main(&source, elf->entry, &address);
    if (found != MAIN_FOUND) {
        puts(found == MAIN_NONE ? "none" : "unclear");
        return 0;
    }
    printf("main %#lx\n", address);
    if (find_user_main(&source, address, &user))
        printf("user %#lx\n", user);
    else
        puts("user none");
    return 0;
}

int main(int argc, char **argv)
{
    struct elf elf;
    if (argc < 3 || elf_open(&elf, argv[2]) != 0) {
        fprintf(stderr, "usage: detour_list entries|sites|main FILE [--no-symbols|--whole]\n");
        return 2;
    }
    struct functions all = argc > 3 && strcmp(argv[3], "--no-symbols") == 0 ? (struct functions){0}
                                                                            : functions_of(&elf);
    if (strcmp(argv[1], "entries") == 0)
        return list_entries(&elf, &all, argc > 3);
    return strcmp(argv[1], "sites") == 0 ? list_sites(&elf, &all) : list_main(&elf);
}
