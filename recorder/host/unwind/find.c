/* unwind/find.c - questions about tables that were read. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#define START_BYTES 96 /* glibc's _start and _dl_start_user: sysdeps/x86_64/dl-machine.h */

ptrdiff_t rows_at(const struct unwind_rows *table, uint64_t vaddr)
{
    size_t low = 0, high = table->rows;
    if (vaddr < table->base || vaddr - table->base > UINT32_MAX)
        return -1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->pcs[middle] <= vaddr - table->base)
            low = middle + 1;
        else
            high = middle;
    }
    return (ptrdiff_t)low - 1;
}

bool rows_extent(const struct unwind_rows *table, uint64_t vaddr, struct rows_range *range)
{
    size_t low = 0, high = table->extent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->extents[middle].low <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || vaddr >= table->extents[low - 1].high)
        return false;
    *range = table->extents[low - 1];
    return true;
}

struct rows_range rows_start(const struct unwind_rows *table, const struct elf *elf, bool is_loader)
{
    struct rows_range range;
    if (!is_loader && rows_extent(table, elf->entry, &range))
        return range;
    return (struct rows_range){elf->entry, elf->entry + START_BYTES};
}

/* Take rows [first, next) out and put `count` others there. */
static void replace(struct unwind_rows *table, size_t first, size_t next, const uint32_t *pcs,
                    const uint64_t *what, size_t count)
{
    size_t rest = table->rows - next;
    memmove(table->pcs + first + count, table->pcs + next, rest * sizeof *pcs);
    memmove(table->what + first + count, table->what + next, rest * sizeof *what);
    memcpy(table->pcs + first, pcs, count * sizeof *pcs);
    memcpy(table->what + first, what, count * sizeof *what);
    table->rows = first + count + rest;
}

void rows_end_stacks(struct unwind_rows *table, struct rows_range range)
{
    uint64_t size = range.high - range.low;
    if (range.high <= range.low || range.low < table->base ||
        range.high - table->base > UINT32_MAX || !rows_make_room(table, 2))
        return;
    ptrdiff_t last = rows_at(table, range.high);
    ptrdiff_t first = rows_at(table, range.low);
    uint32_t low = range.low - table->base, pcs[2] = {low, low + (uint32_t)size};
    bool begins = first >= 0 && table->pcs[first] == low;
    uint64_t mark = begins ? table->what[first] & UNWIND_FIRST : 0;
    uint64_t what[2] = {UNWIND_END | mark, last >= 0 ? table->what[last] : UNWIND_NO_TABLE};
    bool goes_on = last < 0 || table->pcs[last] != pcs[1];
    if (goes_on)
        what[1] &= ~(uint64_t)UNWIND_FIRST;
    replace(table, begins ? first : first + 1, last + !!goes_on, pcs, what, 1 + goes_on);
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
