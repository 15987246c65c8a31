/* history/end.c - what is left when a process or the whole run ends. */
#include "inside.h"

#include <stdlib.h>

enum { FLUSHES = 64 }; /* of those where an eighth more is not known yet */

static int by_number(const void *left, const void *right)
{
    const struct spool_block *a = left, *b = right;
    return a->number < b->number ? -1 : a->number > b->number;
}

static size_t gather(const struct process *p, struct spool_block *rows)
{
    size_t count = 0;
    for (uint32_t at = 0; p->live.slots && at <= p->live.mask; at++) {
        const struct table_slot *slot = &p->live.slots[at];
        const struct block *block = slot->value ? &p->blocks[slot->value - 1] : NULL;
        if (block && !block->is_copy)
            rows[count++] = (struct spool_block){block->number, block->address, block->size,
                                                 block->seq,    block->last,    p->pid};
    }
    return count;
}

/* The live blocks of a process in the order of their numbers; not the copies of a child. */
void write_blocks(struct history *h, const struct process *p)
{
    struct spool_block *rows = malloc((p->live.count + 1) * sizeof *rows);
    if (!rows) {
        h->failed = 1;
        return;
    }
    size_t count = gather(p, rows);
    qsort(rows, count, sizeof *rows, by_number);
    put_rows(h, SPOOL_BLOCKS, rows, sizeof *rows, count);
    free(rows);
}

void history_flush(struct history *h)
{
    write_events(h);
    if (h->keeps_totals && h->events > h->told && ++h->flushes % FLUSHES == 0)
        tell_sums(h);
}

static int by_birth(const void *left, const void *right)
{
    const struct thread *a = *(struct thread *const *)left, *b = *(struct thread *const *)right;
    return a->born < b->born ? -1 : a->born > b->born;
}

/* Calls that are open by now never return. */
static void abandon_all(struct history *h)
{
    struct thread **open = calloc(h->thread_count + 1, sizeof *open);
    uint32_t count = 0;
    for (uint32_t index = 0; open && index < h->thread_count; index++)
        if (h->threads[index].open)
            open[count++] = &h->threads[index];
    if (open)
        qsort(open, count, sizeof *open, by_birth);
    for (uint32_t index = 0; index < count; index++) {
        for (uint32_t call = 0; call < open[index]->open; call++)
            block_abandon(h, open[index], &open[index]->calls[call]);
        open[index]->open = 0;
    }
    h->failed |= !open;
    free(open);
}

void history_finish(struct history *h)
{
    abandon_all(h);
    write_events(h);
    write_nodes(h);
    write_groups(h);
    for (uint32_t index = 0; index < h->process_count; index++)
        if (!h->processes[index].is_gone)
            write_blocks(h, &h->processes[index]);
    write_sums(h, 0);
    write_members(h);
    write_stages(h);
    write_peaks(h);
    put_ends(h, 1);
}
