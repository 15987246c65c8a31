/* elf_fuzz.c - files that lie, read by all that reads ELF files and unwind tables, and stacks that
 * lie, walked by the tables that came of them. Built with the sanitizers of gcc, or for libFuzzer
 * with -DLIBFUZZER.
 *
 *     elf_fuzz FILE SECONDS SEED      damage FILE in ever new ways, for that long
 *     elf_fuzz FILE                   read FILE once
 */
#include "host/findings/loader.h"
#include "host/unwind/rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t fake_stack[512];
static const uint8_t *fake_code;
static uint64_t code_size;
#define STACK_AT 0x7fff00000000u
#define CODE_AT 0x400000u

static uint64_t stack_word(uint64_t address)
{
    uint64_t word;
    assert(address >= STACK_AT && address - STACK_AT <= sizeof fake_stack - 8);
    memcpy(&word, (char *)fake_stack + (address - STACK_AT), 8);
    return word;
}

static uint8_t code_byte(uint64_t address)
{
    assert(address >= CODE_AT && address - CODE_AT < code_size);
    return fake_code[address - CODE_AT];
}

#define UNWIND_WORD(address) stack_word(address)
#define UNWIND_BYTE(address) code_byte(address)
#include "agent/unwind.c"

static uint64_t random_state = 1;

static uint64_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static bool ignore(void *context, const struct elf_relocation *relocation)
{
    *(size_t *)context += strlen(relocation->name);
    return true;
}

static void read_elf(struct elf *elf)
{
    static const char *const names[] = {"malloc", "main", ""};
    struct elf_symbol_walk walk = {0};
    struct elf_symbol symbol;
    struct elf_named found[3];
    uint64_t vaddrs[ELF_LOADER_NAMES + 16];
    char id[ELF_BUILD_ID_ROOM];
    size_t length = 0;
    while (elf_next_symbol(elf, &walk, &symbol))
        length += strlen(symbol.name) + elf_is_code(elf, &symbol);
    elf_functions_named(elf, names, 3, found);
    elf_each_relocation(elf, ignore, &length);
    elf_initialisers(elf, vaddrs, 8);
    elf_finalisers(elf, vaddrs, 8);
    elf_build_id(elf, id);
    elf_looks_like_rust(elf);
    elf_is_static(elf);
    elf_soname(elf);
    elf_loader_malloc(elf, NULL, vaddrs);
    for (int i = 0; i < 64; i++)
        elf_plt_target(elf, random_word() % (2 * elf->size));
}

static void check(const struct unwind_rows *frames)
{
    for (size_t i = 1; i < frames->rows; i++)
        assert(frames->pcs[i - 1] < frames->pcs[i]);
    for (size_t i = 0; i < frames->rows; i++)
        assert(UNWIND_KIND(frames->what[i]) <= UNWIND_SIGNAL);
    for (size_t i = 0; i < frames->extent_count; i++) {
        assert(frames->extents[i].low < frames->extents[i].high);
        assert(!i || frames->extents[i - 1].high <= frames->extents[i].low);
    }
}

static void fill_stack(uint64_t base, const struct unwind_rows *frames)
{
    for (size_t i = 0; i < sizeof fake_stack / 8; i++) {
        uint64_t word = random_word(), pc = base;
        if (frames->rows)
            pc += frames->pcs[random_word() % frames->rows] + word % 9;
        fake_stack[i] = word % 4 == 0   ? pc
                        : word % 4 == 1 ? CODE_AT + (word >> 8) % (code_size + 9)
                        : word % 4 == 2 ? STACK_AT + (word >> 8) % (sizeof fake_stack + 64)
                                        : word;
    }
}

static void walk_stacks(struct unwind_rows *frames)
{
    assert(rows_pack(frames));
    static struct unwind_cache cache;
    static uint32_t version;
    size_t pcs = sizeof(struct unwind_tables) + sizeof(struct unwind_module);
    size_t kind = pcs + frames->rows * 4;
    size_t what = (kind + frames->rows * 2 + 7) & ~(size_t)7;
    struct unwind_tables *tables = calloc(1, what + frames->kind_count * 8);
    assert(tables);
    tables->version = ++version;
    tables->count = 1;
    tables->modules[0] = (struct unwind_module){.start = CODE_AT,
                                                .end = CODE_AT + code_size,
                                                .base = CODE_AT,
                                                .pcs = pcs,
                                                .kind = kind,
                                                .what = what,
                                                .rows = frames->rows};
    if (frames->rows) {
        memcpy((char *)tables + pcs, frames->pcs, frames->rows * 4);
        memcpy((char *)tables + kind, frames->kind, frames->rows * 2);
        memcpy((char *)tables + what, frames->kinds, frames->kind_count * 8);
    }
    fill_stack(CODE_AT, frames);
    for (int i = 0; i < 32; i++) {
        struct unwind_state state = {
            .pc = fake_stack[i], .sp = STACK_AT + 8 * i, .bp = fake_stack[i + 1]};
        uint64_t slot;
        for (int step = 0; step < 256; step++)
            if (unwind_step(tables, &cache, &state, STACK_AT, STACK_AT + sizeof fake_stack,
                            &slot) != UNWIND_MORE)
                break;
    }
    free(tables);
}

static void read_frames(const struct elf *elf)
{
    struct unwind_rows frames;
    struct rows_range range;
    int result = rows_read(&frames, elf);
    assert(result == 0);
    check(&frames);
    for (int i = 0; i < 16; i++) {
        uint64_t at = random_word() % (2 * elf->size);
        rows_extent(&frames, at, &range);
        rows_find(elf, at, &range);
        rows_at(&frames, at);
    }
    range = rows_start(&frames, elf, random_word() & 1);
    rows_end_stacks(&frames, range);
    check(&frames);
    walk_stacks(&frames);
    rows_free(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf elf;
    fake_code = data;
    code_size = size;
    if (elf_open_memory(&elf, data, size) != 0)
        return 0;
    read_elf(&elf);
    read_frames(&elf);
    elf_close(&elf);
    return 0;
}

#ifndef LIBFUZZER

/* Places that matter more than their size: headers, and the tables that the file's own sections
 * name. */
static size_t place(const struct elf *elf, size_t size)
{
    static const char *const names[] = {".eh_frame", ".eh_frame_hdr", ".debug_frame", ".dynsym",
                                        ".symtab",   ".dynamic",      ".rela.plt",    ".rela.dyn",
                                        ".gnu.hash", ".text",         ".gnu.version", ".shstrtab"};
    uint64_t choice = random_word() % 16;
    struct elf_bytes part = {NULL, 0};
    if (choice < 12)
        part = elf_bytes_named(elf, names[choice]);
    if (part.size)
        return part.at - elf->data + random_word() % part.size;
    if (choice == 12)
        return random_word() % 1024 % size;
    if (choice == 13 && elf->sections)
        return elf->section_table + random_word() % ((uint64_t)elf->sections * elf->section_size);
    return random_word() % size;
}

static void damage(const struct elf *elf, uint8_t *data, size_t size)
{
    static const uint64_t odd[] = {0, 1, 8, 0x7f, 0xff, 0x7fffffff, 0xffffffff, INT64_MAX, -1, -8};
    size_t at = place(elf, size) % size, room = size - at;
    uint64_t word = random_word() % 3 ? random_word() : odd[random_word() % 10];
    size_t bytes = 1u << random_word() % 4;
    memcpy(data + at, &word, bytes < room ? bytes : room);
}

static uint8_t *load(const char *path, size_t *size)
{
    struct elf elf;
    if (elf_open(&elf, path) != 0)
        return NULL;
    uint8_t *data = malloc(elf.size);
    memcpy(data, elf.data, elf.size);
    *size = elf.size;
    elf_close(&elf);
    return data;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    uint8_t *original = argc > 1 ? load(argv[1], &size) : NULL;
    time_t end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
    unsigned long files = 0;
    struct elf elf;
    if (!original || elf_open_memory(&elf, original, size) != 0)
        return fprintf(stderr, "elf_fuzz: no ELF file\n"), 2;
    random_state = argc > 3 ? strtoull(argv[3], NULL, 0) * 2 + 1 : 1;
    LLVMFuzzerTestOneInput(original, size);
    while (time(NULL) < end) {
        /* of its exact size, so that the sanitizer sees what reads beyond it */
        size_t kept = random_word() % 8 ? size : 1 + random_word() % size;
        uint8_t *copy = malloc(kept);
        memcpy(copy, original, kept);
        for (uint64_t i = random_word() % 12; i; i--)
            damage(&elf, copy, kept);
        LLVMFuzzerTestOneInput(copy, kept);
        free(copy);
        files++;
    }
    printf("%lu damaged files read\n", files);
    free(original);
    return 0;
}
#endif
