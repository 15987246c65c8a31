/* unwind_replay.c - walks the stacks once more that gdb-scripts/checks/engine_dumped.py wrote down, and
 * compares with the frames that gdb found. Prints every stack that differs, then the counts.
 *
 *     unwind_replay DUMP [corrupt|kinds]
 *
 * With "corrupt" one field of every row is wrong: the comparison must notice. With "kinds" it also
 * prints which kinds of rows were followed. */
#include "host/unwind/rows.h"
#include "unwind_format.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static uint64_t replayed_word(uint64_t address);
static uint8_t replayed_byte(uint64_t address);
#define UNWIND_WORD(address) replayed_word(address)
#define UNWIND_BYTE(address) replayed_byte(address)
#include "agent/unwind.c"

enum { MODULES = 1, STACK = 2, MAX_MODULES = 4096, MAX_FRAMES = 256, MAX_FILES = 4096 };

static const char *const kind_names[] = {"none", "lost",  "end",   "rsp", "rbp",
                                         "rbx",  "at_bp", "at_sp", "plt", "signal"};

struct region {
    uint64_t start, end;
    const uint64_t *words;
};

static struct region regions[64];
static unsigned region_count;

/* A file as it was read, once for all the places where it is mapped. */
static struct file {
    char *path;
    struct elf elf;
    struct unwind_rows frames;
    uint64_t pcs, kind, what; /* in the area */
} files[MAX_FILES];
static unsigned file_count;

static struct code {
    uint64_t start, end, bias;
    struct file *file;
} codes[MAX_MODULES];
static unsigned code_count;

static char *area;
static uint64_t area_used = 64;
static struct unwind_tables *tables;
static struct unwind_cache cache;
static uint32_t version;
static bool corrupt;
static unsigned kinds; /* bit: a row of that kind was followed */

static uint64_t replayed_word(uint64_t address)
{
    for (unsigned i = 0; i < region_count; i++)
        if (address >= regions[i].start && address + 8 <= regions[i].end)
            return *(const uint64_t *)((const char *)regions[i].words + address - regions[i].start);
    fprintf(stderr, "read outside the stack: %#" PRIx64 "\n", address);
    exit(3);
}

static uint8_t replayed_byte(uint64_t address)
{
    for (unsigned i = 0; i < code_count; i++) {
        if (address < codes[i].start || address >= codes[i].end)
            continue;
        struct elf_bytes code = {NULL, 0};
        if (codes[i].file)
            code = elf_stored(&codes[i].file->elf, address - codes[i].bias);
        return code.size ? *code.at : 0;
    }
    fprintf(stderr, "read outside the code: %#" PRIx64 "\n", address);
    exit(3);
}

static uint64_t put(const void *data, size_t size)
{
    uint64_t at = area_used;
    if (size)
        memcpy(area + at, data, size);
    area_used = (at + size + 63) & ~(uint64_t)63;
    return at;
}

static struct file *open_file(const char *path)
{
    for (unsigned i = 0; i < file_count; i++)
        if (!strcmp(files[i].path, path))
            return &files[i];
    struct file *file = &files[file_count];
    if (elf_open(&file->elf, path) != 0 || rows_read(&file->frames, &file->elf) != 0)
        return NULL;
    file->path = strdup(path);
    file_count++;
    return file;
}

static void corrupt_rows(struct unwind_rows *frames)
{
    for (size_t i = 0; i < frames->rows; i++)
        if (UNWIND_KIND(frames->what[i]) == UNWIND_SP)
            frames->what[i] += 1 << 9; /* its CFA lies a word further out */
}

static const uint64_t *read_modules(const uint64_t *at)
{
    code_count = *at++;
    for (unsigned i = 0; i < code_count; i++) {
        codes[i] = (struct code){.start = at[0], .end = at[1], .bias = at[2]};
        codes[i].file = *(const char *)&at[4] ? open_file((const char *)&at[4]) : NULL;
        at += 4 + at[3];
    }
    uint64_t starts = *at++;
    for (uint64_t i = 0; i < starts; i++, at += 2)
        for (unsigned j = 0; j < code_count; j++)
            if (codes[j].file && at[0] >= codes[j].start && at[0] < codes[j].end)
                rows_end_stacks(&codes[j].file->frames,
                                (struct rows_range){at[0] - codes[j].bias, at[1] - codes[j].bias});
    tables = (void *)(area + put(NULL, 0));
    tables->self = (char *)tables - area;
    tables->version = ++version;
    tables->count = code_count;
    area_used += sizeof *tables + code_count * sizeof *tables->modules;
    area_used = (area_used + 63) & ~(uint64_t)63;
    for (unsigned i = 0; i < code_count; i++) {
        struct file *file = codes[i].file;
        struct unwind_module module = {.start = codes[i].start, .end = codes[i].end};
        if (file && !file->pcs) {
            if (corrupt)
                corrupt_rows(&file->frames);
            if (!rows_pack(&file->frames))
                exit(2);
            file->pcs = put(file->frames.pcs, file->frames.rows * 4);
            file->kind = put(file->frames.kind, file->frames.rows * 2);
            file->what = put(file->frames.kinds, file->frames.kind_count * 8);
        }
        if (file) {
            module.base = codes[i].bias + file->frames.base;
            module.pcs = file->pcs;
            module.kind = file->kind;
            module.what = file->what;
            module.rows = file->frames.rows;
        }
        tables->modules[i] = module;
    }
    return at;
}

static struct region region_of(uint64_t address)
{
    for (unsigned i = 0; i < region_count; i++)
        if (address >= regions[i].start && address < regions[i].end)
            return regions[i];
    return (struct region){0, 0, NULL};
}

/* Walk as the agent does; the number of frames, and why the walk ended. At a system call (`exact`)
 * gdb's walk has nobody who reads the first instructions of functions without a table. */
static unsigned walk(struct unwind_state state, bool exact, uint64_t frames[][2], int *result)
{
    unsigned limit = exact ? MAX_FRAMES : MAX_FRAMES - 1;
    unsigned count = 0;
    *result = UNWIND_CUT_DEEP;
    while (count < limit) {
        struct region stack = region_of(state.sp);
        *result = unwind_step(tables, &cache, &state, stack.start, stack.end, &frames[count][1]);
        if (exact && state.guessed)
            *result = UNWIND_CUT_UNSUPPORTED;
        if (*result != UNWIND_MORE)
            return count;
        kinds |= 1u << state.kind;
        frames[count++][0] = state.pc;
        *result = UNWIND_CUT_DEEP;
    }
    return count;
}

static const char *place(uint64_t pc, char room[200])
{
    for (unsigned i = 0; i < code_count; i++)
        if (pc >= codes[i].start && pc < codes[i].end) {
            const char *path = codes[i].file ? codes[i].file->path : "?";
            const char *name = strrchr(path, '/');
            snprintf(room, 200, "%.150s+%#" PRIx64, name ? name + 1 : path, pc - codes[i].bias);
            return room;
        }
    return "nowhere";
}

static void print_difference(uint64_t number, const uint64_t *wanted, uint64_t count, int cut,
                             uint64_t found[][2], unsigned found_count, int result, uint64_t pc)
{
    char room[200];
    unsigned at = 0;
    while (at < count && at < found_count && wanted[2 * at] == found[at][0] &&
           wanted[2 * at + 1] == found[at][1])
        at++;
    printf("stack %" PRIu64 ": gdb %" PRIu64 " frames, cut %d; here %u, cut %d; differs at %u, "
           "behind %s",
           number, count, cut, found_count, result, at, place(at ? found[at - 1][0] : pc, room));
    if (at < count)
        printf(", gdb: %s in %#" PRIx64, place(wanted[2 * at], room), wanted[2 * at + 1]);
    if (at < found_count)
        printf(", here: %s in %#" PRIx64, place(found[at][0], room), found[at][1]);
    printf("\n");
}

struct counts {
    uint64_t stacks, different, frames, cut[5];
};

static const uint64_t *replay(const uint64_t *at, struct counts *counts)
{
    static uint64_t found[MAX_FRAMES][2];
    bool exact = at[0];
    int cut = at[5], result;
    uint64_t count = at[6];
    struct unwind_state state = {.pc = at[1], .sp = at[2], .bp = at[3], .bx = at[4]};
    if (exact)
        state.row = unwind_row(tables, &cache, state.pc + 1);
    const uint64_t *wanted = at + 7;
    at = wanted + 2 * count;
    region_count = *at++;
    for (unsigned i = 0; i < region_count; i++) {
        regions[i] = (struct region){at[0], at[0] + 8 * at[1], at + 2};
        at += 2 + at[1];
    }
    unsigned steps = walk(state, exact, found, &result);
    counts->stacks++;
    counts->frames += count;
    counts->cut[cut >= 0 && cut < 5 ? cut : 4]++;
    if (steps != count || result != cut || memcmp(found, wanted, steps * sizeof *found)) {
        counts->different++;
        print_difference(counts->stacks, wanted, count, cut, found, steps, result, state.pc);
    }
    return at;
}

int main(int argc, char **argv)
{
    struct counts counts = {0};
    struct stat status;
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &status) != 0 || !status.st_size)
        return fprintf(stderr, "unwind_replay: no dump\n"), 2;
    corrupt = argc > 2 && !strcmp(argv[2], "corrupt");
    const uint64_t *at = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const uint64_t *end = at + status.st_size / 8;
    area = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (at < end)
        at = *at == MODULES ? read_modules(at + 1) : replay(at + 1, &counts);
    for (unsigned i = 0; argc > 2 && i < sizeof kind_names / sizeof *kind_names; i++)
        if (kinds >> i & 1)
            printf("kind %s\n", kind_names[i]);
    printf("%" PRIu64 " stacks, %" PRIu64 " frames, cut", counts.stacks, counts.frames);
    for (int i = 0; i < 5; i++)
        printf(" %" PRIu64, counts.cut[i]);
    printf(", %" PRIu64 " different\n", counts.different);
    return counts.different != 0;
}
