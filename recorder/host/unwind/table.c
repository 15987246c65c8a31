/* unwind/table.c - a table of rows as it grows, and what is asked of it. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#define START_BYTES 96 /* glibc's _start and _dl_start_user: sysdeps/x86_64/dl-machine.h */

static void *grown(void *held, size_t *room, size_t size)
{
    *room = *room ? 2 * *room : 1024;
    return realloc(held, *room * size);
}

bool rows_make_room(struct unwind_rows *table, size_t more)
{
    size_t room = table->room;
    if (table->rows + more <= room)
        return true;
    uint32_t *pcs = grown(table->pcs, &room, sizeof *table->pcs);
    if (pcs)
        table->pcs = pcs;
    uint64_t *what = pcs ? realloc(table->what, room * sizeof *table->what) : NULL;
    if (what)
        table->what = what;
    table->room = what ? room : table->room;
    table->failed = !what;
    return what;
}

void rows_add(struct unwind_rows *table, uint64_t vaddr, uint64_t what)
{
    uint64_t pc = vaddr - table->base;
    const uint64_t shown = ~(uint64_t)UNWIND_FIRST;
    if (table->failed || pc > UINT32_MAX)
        return;
    if (table->rows && table->pcs[table->rows - 1] >= pc) {
        uint64_t *last = &table->what[table->rows - 1];
        if (table->pcs[table->rows - 1] == pc)
            *last = what | (*last & UNWIND_FIRST);
        return;
    }
    if (table->rows && (table->what[table->rows - 1] & shown) == what)
        return;
    if (!rows_make_room(table, 1))
        return;
    table->pcs[table->rows] = pc;
    table->what[table->rows++] = what;
}

void rows_free(struct unwind_rows *table)
{
    free(table->pcs);
    free(table->what);
    free(table->kind);
    free(table->kinds);
    free(table->extents);
    memset(table, 0, sizeof *table);
}

/* ---- packing ---- */

#define SLOTS ((size_t)2 * MOST_KINDS)

struct kinds {
    uint64_t list[MOST_KINDS];
    size_t count;
    uint32_t slots[SLOTS]; /* a number in `list`, plus 1 */
};

/* The number of `what` in the list, where a new one is added. The first two stand for all that it has
 * no room for. */
static uint16_t kind_of(struct kinds *kinds, uint64_t what)
{
    size_t at = what * UINT64_C(0x9e3779b97f4a7c15) >> 47;
    for (; kinds->slots[at] != 0; at = (at + 1) % SLOTS)
        if (kinds->list[kinds->slots[at] - 1] == what)
            return (uint16_t)(kinds->slots[at] - 1);
    if (kinds->count == MOST_KINDS)
        return (what & UNWIND_FIRST) != 0;
    kinds->list[kinds->count] = what;
    kinds->slots[at] = (uint32_t)++kinds->count;
    return (uint16_t)(kinds->count - 1);
}

bool rows_pack(struct unwind_rows *table)
{
    struct kinds *kinds = calloc(1, sizeof *kinds);
    uint16_t *kind = malloc(table->rows * sizeof *kind + 1);
    uint64_t *list = NULL;
    if (kinds && kind) {
        kind_of(kinds, UNWIND_LOST);
        kind_of(kinds, UNWIND_LOST | UNWIND_FIRST);
        for (size_t i = 0; i < table->rows; i++)
            kind[i] = kind_of(kinds, table->what[i]);
        list = malloc(kinds->count * sizeof *list);
    }
    if (list) {
        memcpy(list, kinds->list, kinds->count * sizeof *list);
        free(table->what);
        table->what = NULL;
        table->kind = kind;
        table->kinds = list;
        table->kind_count = kinds->count;
    } else {
        free(kind);
    }
    free(kinds);
    return list;
}

/* ---- questions ---- */

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
    if (table->kind || range.high <= range.low || range.low < table->base ||
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
