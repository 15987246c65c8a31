/* history/end.c - what is left when a process or the whole run ends. */
#define _GNU_SOURCE
#include "inside.h"

#include <stdlib.h>

enum {
    FLUSHES = 64,   /* of those where an eighth more is not known yet */
    STEPS = 1 << 18 /* between two calls of at_work: some milliseconds */
};

void history_tell_work(struct history *h, void (*at_work)(void *owner))
{
    h->at_work = at_work;
}

/* Ten million blocks are gathered and sorted before the first of them is written. */
static inline void step(const struct history *h, uint32_t *steps)
{
    if (++*steps % STEPS == 0 && h->at_work)
        h->at_work(h->owner);
}

struct sorting {
    const struct history *history;
    const struct block *blocks;
    uint32_t steps;
};

static int by_number(const void *left, const void *right, void *of)
{
    struct sorting *sorting = of;
    uint64_t a = sorting->blocks[*(const uint32_t *)left].number;
    uint64_t b = sorting->blocks[*(const uint32_t *)right].number;
    step(sorting->history, &sorting->steps);
    return a < b ? -1 : a > b;
}

/* Where they are, in that order: blocks mostly lie as they are numbered, so that little is left to
 * sort, and memory is read from its beginning to its end. */
static size_t gather(const struct history *h, const struct process *p, uint64_t *is_live,
                     uint32_t *places)
{
    size_t count = 0;
    uint32_t steps = 0;
    for (uint32_t at = 0; p->live.slots && at <= p->live.mask; at++) {
        step(h, &steps);
        if (p->live.slots[at].number) {
            uint32_t place = p->live.slots[at].number - 1;
            is_live[place / 64] |= (uint64_t)1 << place % 64;
        }
    }
    for (uint32_t place = 0; place < p->block_count; place++) {
        step(h, &steps);
        if (is_live[place / 64] >> place % 64 & 1 && !p->blocks[place].is_copy)
            places[count++] = place;
    }
    return count;
}

static void write_in_order(struct history *h, const struct process *p, const uint32_t *places,
                           size_t count)
{
    static struct spool_block rows[SPOOL_MAX_PAYLOAD / sizeof(struct spool_block)];
    size_t most = sizeof rows / sizeof *rows, filled = 0;
    for (size_t i = 0; i < count; i++) {
        const struct block *block = &p->blocks[places[i]];
        rows[filled++] = (struct spool_block){block->number, block->address, block->size,
                                              block->seq,    block->last,    p->pid};
        if (filled == most || i + 1 == count) {
            put_rows(h, SPOOL_BLOCKS, rows, sizeof *rows, filled);
            filled = 0;
        }
    }
}

/* The live blocks of a process in the order of their numbers; not the copies of a child. */
void write_blocks(struct history *h, const struct process *p)
{
    uint64_t *is_live = calloc(p->block_count / 64 + 1, sizeof *is_live);
    uint32_t *places = malloc((p->live.count + 1) * sizeof *places);
    if (is_live && places) {
        size_t count = gather(h, p, is_live, places);
        struct sorting sorting = {h, p->blocks, 0};
        qsort_r(places, count, sizeof *places, by_number, &sorting);
        write_in_order(h, p, places, count);
    } else {
        h->failed = 1;
    }
    free(is_live);
    free(places);
}

void history_flush(struct history *h)
{
    write_events(h);
    if (h->at_work && h->events > h->flushed) /* one that finds nothing more may be stuck */
        h->at_work(h->owner);
    h->flushed = h->events;
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
