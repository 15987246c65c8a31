/* unwind/rows.c - all functions of a file, sorted, and their rows. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES (1u << 22)
#define LAST_BYTES 96 /* of a symbol without a size, behind which there is no other */

struct functions {
    struct frames_entry *held;
    size_t count, room;
    bool sorted, failed;
    const struct elf *elf;
};

static void *grown(void *held, size_t *room, size_t size)
{
    *room = *room ? 2 * *room : 1024;
    return realloc(held, *room * size);
}

static void add_function(void *context, const struct frames_entry *entry)
{
    struct functions *functions = context;
    if (functions->failed || functions->count >= MAX_ENTRIES)
        return;
    if (functions->count == functions->room) {
        void *held = grown(functions->held, &functions->room, sizeof *entry);
        functions->failed = !held;
        if (!held)
            return;
        functions->held = held;
    }
    if (functions->count && functions->held[functions->count - 1].range.low > entry->range.low)
        functions->sorted = false;
    functions->held[functions->count++] = *entry;
}

/* By start; of one start tables first, then the longest. */
static int by_start(const void *left, const void *right)
{
    const struct frames_entry *a = left, *b = right;
    if (a->range.low != b->range.low)
        return a->range.low < b->range.low ? -1 : 1;
    if (!a->code != !b->code)
        return a->code ? -1 : 1;
    if (a->in_debug_frame != b->in_debug_frame)
        return a->in_debug_frame ? 1 : -1;
    return (a->range.high < b->range.high) - (a->range.high > b->range.high);
}

static void sort(struct functions *functions)
{
    if (!functions->sorted && functions->count)
        qsort(functions->held, functions->count, sizeof *functions->held, by_start);
    functions->sorted = true;
}

/* The last of the first `count` functions that begins at or before `vaddr`, or NULL. */
static const struct frames_entry *before(const struct functions *functions, size_t count,
                                         uint64_t vaddr)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (functions->held[middle].range.low <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &functions->held[low - 1] : NULL;
}

/* Functions that symbols tell of, where no table does. */
static void add_symbols(struct functions *functions)
{
    const struct elf *elf = functions->elf;
    struct elf_symbol_walk walk = {0};
    struct elf_symbol symbol;
    size_t by_table = functions->count;
    while (elf_next_symbol(elf, &walk, &symbol)) {
        if (!elf_is_code(elf, &symbol) || !elf_is_loaded(elf, symbol.value, PF_X))
            continue;
        const struct frames_entry *known = before(functions, by_table, symbol.value);
        if (known && symbol.value < known->range.high)
            continue;
        struct frames_entry entry = {.range = {symbol.value, symbol.value + symbol.size}};
        if (entry.range.high >= entry.range.low)
            add_function(functions, &entry);
    }
}

static bool is_synthetic(const struct frames_entry *entry)
{
    return !entry->code;
}

/* Make the functions disjoint: a label inside a function is none of its own, one without a size
 * reaches to the next, and what overlaps ends where the next begins. */
static void separate(struct functions *functions)
{
    struct frames_entry *held = functions->held;
    size_t kept = 0;
    for (size_t i = 0; i < functions->count; i++) {
        struct frames_entry *last = kept ? &held[kept - 1] : NULL;
        bool is_label = is_synthetic(&held[i]) && held[i].range.low == held[i].range.high;
        if (last && last->range.low == held[i].range.low)
            continue;
        if (last && is_label && last->range.high > held[i].range.low)
            continue;
        if (last && is_synthetic(last) && last->range.high == last->range.low)
            last->range.high = held[i].range.low;
        if (last && last->range.high > held[i].range.low)
            last->range.high = held[i].range.low;
        held[kept++] = held[i];
    }
    if (kept && held[kept - 1].range.high == held[kept - 1].range.low)
        held[kept - 1].range.high += LAST_BYTES;
    functions->count = kept;
}

bool frames_make_room(struct frames *frames, size_t more)
{
    size_t room = frames->room;
    if (frames->rows + more <= room)
        return true;
    uint32_t *pcs = grown(frames->pcs, &room, sizeof *frames->pcs);
    if (pcs)
        frames->pcs = pcs;
    uint64_t *what = pcs ? realloc(frames->what, room * sizeof *frames->what) : NULL;
    if (what)
        frames->what = what;
    frames->room = what ? room : frames->room;
    frames->failed = !what;
    return what;
}

void frames_add(struct frames *frames, uint64_t vaddr, uint64_t what)
{
    uint64_t pc = vaddr - frames->base;
    const uint64_t shown = ~(uint64_t)UNWIND_FIRST;
    if (frames->failed || pc > UINT32_MAX)
        return;
    if (frames->rows && frames->pcs[frames->rows - 1] >= pc) {
        uint64_t *last = &frames->what[frames->rows - 1];
        if (frames->pcs[frames->rows - 1] == pc)
            *last = what | (*last & UNWIND_FIRST);
        return;
    }
    if (frames->rows && (frames->what[frames->rows - 1] & shown) == what)
        return;
    if (!frames_make_room(frames, 1))
        return;
    frames->pcs[frames->rows] = pc;
    frames->what[frames->rows++] = what;
}

/* Add the rows of one function. Its first row stands even where it equals the one before it. */
static void add_rows(struct frames *frames, const struct elf *elf, struct frames_cies *cies,
                     const struct frames_entry *entry)
{
    bool is_table = !is_synthetic(entry) && !entry->is_extra;
    const struct frames_cie *cie = is_synthetic(entry) ? NULL : frames_cie_of(cies, entry);
    size_t first = frames->rows;
    if (entry->range.high - frames->base > UINT32_MAX)
        return;
    if (is_table)
        frames_add(frames, entry->range.low, UNWIND_LOST | UNWIND_FIRST);
    if (is_table && frames->rows > first) {
        frames->extents[frames->extent_count++] = entry->range;
    }
    if (cie && (entry->is_extra || frames->rows > first)) {
        frames_run(frames, cie, entry);
    } else if (is_synthetic(entry)) {
        frames_run_prologue(frames, elf, entry->range);
        frames->synthetic++;
    }
}

static void build(struct frames *frames, const struct functions *functions,
                  struct frames_cies *cies)
{
    for (size_t i = 0; i < functions->count && !frames->failed; i++) {
        const struct frames_entry *entry = &functions->held[i];
        add_rows(frames, functions->elf, cies, entry);
        if (i + 1 == functions->count || functions->held[i + 1].range.low > entry->range.high)
            frames_add(frames, entry->range.high, UNWIND_NO_TABLE);
    }
    for (size_t i = 0; i < frames->rows; i++)
        frames->lost += UNWIND_KIND(frames->what[i]) == UNWIND_LOST;
}

int frames_read(struct frames *frames, const struct elf *elf)
{
    struct functions functions = {.sorted = true, .elf = elf};
    struct frames_cies cies = {0};
    memset(frames, 0, sizeof *frames);
    frames->base = elf_lowest_vaddr(elf);
    frames->budget = 4 * elf->size + (1 << 20);
    frames_each_entry(elf, &cies, add_function, &functions);
    sort(&functions);
    add_symbols(&functions);
    sort(&functions);
    separate(&functions);
    frames->extents = malloc((functions.count + 1) * sizeof *frames->extents);
    frames->failed = functions.failed || !frames->extents;
    if (!frames->failed)
        build(frames, &functions, &cies);
    free(functions.held);
    return frames->failed ? -1 : 0;
}

void frames_free(struct frames *frames)
{
    free(frames->pcs);
    free(frames->what);
    free(frames->extents);
    memset(frames, 0, sizeof *frames);
}
