/* unwind/table.c - a table of rows as it grows. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

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
    free(table->extents);
    memset(table, 0, sizeof *table);
}
