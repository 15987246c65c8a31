/* unwind/rows.c - all functions of a file, sorted, and their rows; or one function of a file that is
 * not read otherwise. */
#include "index.h"
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES (1u << 22)
#define LAST_BYTES 96 /* of a symbol without a size, behind which there is no other */

struct functions {
    struct rows_entry *held;
    size_t count, room;
    bool sorted, failed;
    const struct elf *elf;
};

static void add_function(void *context, const struct rows_entry *entry)
{
    struct functions *functions = context;
    if (functions->failed || functions->count >= MAX_ENTRIES)
        return;
    struct rows_entry *held =
        with_room_for_one(functions->held, functions->count, &functions->room, 1024, sizeof *held);
    functions->failed = !held;
    if (!held)
        return;
    functions->held = held;
    if (functions->count && functions->held[functions->count - 1].range.low > entry->range.low)
        functions->sorted = false;
    functions->held[functions->count++] = *entry;
}

/* By start; of one start tables first, then the longest. */
static int by_start(const void *left, const void *right)
{
    const struct rows_entry *a = left, *b = right;
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
static const struct rows_entry *before(const struct functions *functions, size_t count,
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
        const struct rows_entry *known = before(functions, by_table, symbol.value);
        if (known && symbol.value < known->range.high)
            continue;
        struct rows_entry entry = {.range = {symbol.value, symbol.value + symbol.size}};
        if (entry.range.high >= entry.range.low)
            add_function(functions, &entry);
    }
}

static bool is_synthetic(const struct rows_entry *entry)
{
    return !entry->code;
}

/* Make the functions disjoint: a label inside a function is none of its own, one without a size
 * reaches to the next, and what overlaps ends where the next begins. */
static void separate(struct functions *functions)
{
    struct rows_entry *held = functions->held;
    size_t kept = 0;
    for (size_t i = 0; i < functions->count; i++) {
        struct rows_entry *last = kept ? &held[kept - 1] : NULL;
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

/* Add the rows of one function. Its first row stands even where it equals the one before it. */
static void add_rows(struct unwind_rows *table, const struct elf *elf, struct rows_cies *cies,
                     const struct rows_entry *entry)
{
    bool is_table = !is_synthetic(entry) && !entry->is_extra;
    const struct rows_cie *cie = is_synthetic(entry) ? NULL : rows_cie_of(cies, entry);
    size_t first = table->rows;
    if (entry->range.high - table->base > UINT32_MAX)
        return;
    if (is_table)
        rows_add(table, entry->range.low, UNWIND_LOST | UNWIND_FIRST);
    if (is_table && table->rows > first) {
        table->extents[table->extent_count++] = entry->range;
    }
    if (cie && (entry->is_extra || table->rows > first)) {
        rows_run(table, cie, entry);
    } else if (is_synthetic(entry)) {
        rows_run_prologue(table, elf, entry->range);
        table->synthetic++;
    }
}

static void build(struct unwind_rows *table, const struct functions *functions,
                  struct rows_cies *cies)
{
    for (size_t i = 0; i < functions->count && !table->failed; i++) {
        const struct rows_entry *entry = &functions->held[i];
        add_rows(table, functions->elf, cies, entry);
        if (i + 1 == functions->count || functions->held[i + 1].range.low > entry->range.high)
            rows_add(table, entry->range.high, UNWIND_NO_TABLE);
    }
    for (size_t i = 0; i < table->rows; i++)
        table->lost += UNWIND_KIND(table->what[i]) == UNWIND_LOST;
}

int rows_read(struct unwind_rows *table, const struct elf *elf)
{
    struct functions functions = {.sorted = true, .elf = elf};
    struct rows_cies cies = {0};
    memset(table, 0, sizeof *table);
    table->base = elf_lowest_vaddr(elf);
    table->budget = 4 * elf->size + (1 << 20);
    rows_each_entry(elf, &cies, add_function, &functions);
    sort(&functions);
    add_symbols(&functions);
    sort(&functions);
    separate(&functions);
    table->extents = malloc((functions.count + 1) * sizeof *table->extents);
    table->failed = functions.failed || !table->extents;
    if (!table->failed)
        build(table, &functions, &cies);
    free(functions.held);
    return table->failed ? -1 : 0;
}

/* ---- in a file whose table was not read ---- */

static bool search(const struct rows_index *index, uint64_t vaddr, uint64_t *fde)
{
    uint64_t low = 0, high = index->count, start;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        rows_index_row(index, middle, &start, fde);
        if (start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return false;
    rows_index_row(index, low - 1, &start, fde);
    return true;
}

static bool find_by_scan(const struct elf *elf, uint64_t vaddr, struct rows_range *range)
{
    struct unwind_rows table;
    bool found = rows_read(&table, elf) == 0 && rows_extent(&table, vaddr, range);
    rows_free(&table);
    return found;
}

bool rows_find(const struct elf *elf, uint64_t vaddr, struct rows_range *range)
{
    struct rows_index index;
    struct rows_cies cies = {0};
    struct rows_entry entry;
    uint64_t where;
    if (!rows_open_index(elf, &index))
        return find_by_scan(elf, vaddr, range);
    if (!search(&index, vaddr, &where) || !rows_entry_at(elf, &cies, where, &entry))
        return false;
    *range = entry.range;
    return vaddr >= range->low && vaddr < range->high;
}
