/* room.c - a program that limits its own address space gets back what it has mapped for us beyond a
 * share of that, as if the limit had been there from the start (size.c).
 */
#include "areas.h"
#include "size.h"

#include <sys/resource.h>

static bool uses_threads(const struct area_head *area, uint32_t from)
{
    uint32_t used = 0;
    for (uint32_t w = from / 32; w < AREA_THREADS / 32; w++)
        used |= __atomic_load_n(&area->threads[w], __ATOMIC_ACQUIRE);
    return used != 0;
}

/* Those from word `from` on, before `to`: nobody gets one any more. */
static bool takes_chunks(struct area_head *area, uint32_t from, uint32_t to)
{
    bool all = true;
    for (uint32_t w = from; w < to && all; w++) {
        uint32_t old = __atomic_exchange_n(&area->free_chunks[w], 0, __ATOMIC_ACQUIRE);
        all = old == UINT32_MAX;
        for (uint32_t back = w; !all && back >= from && back <= w; back--)
            __atomic_fetch_or(&area->free_chunks[back], back == w ? old : UINT32_MAX,
                              __ATOMIC_RELEASE);
    }
    return all;
}

/* Those of one family share the area: they all have no more from now on. */
static bool shrinks(struct family *f, const struct area_size *size)
{
    if (size <= f->size)
        return true; /* it is no larger already */
    uint32_t threads = f->area->thread_limit;
    __atomic_store_n(&f->area->thread_limit, size->threads, __ATOMIC_SEQ_CST);
    if (f->tables_used <= size->tables && !uses_threads(f->area, size->threads) &&
        takes_chunks(f->area, size->chunks / 32, f->size->chunks / 32)) {
        f->size = size;
        return true;
    }
    __atomic_store_n(&f->area->thread_limit, threads, __ATOMIC_SEQ_CST);
    return false;
}

static const struct area_size *smallest_within(const struct area_size *size, uint64_t bytes)
{
    const struct area_size *next;
    while (area_size_bytes(size) > bytes && (next = area_size_smaller(size)) != NULL)
        size = next;
    return size;
}

/* Piece `number` of what lies between both. */
static bool piece_between(const struct area_size *large, const struct area_size *small,
                          unsigned number, uint64_t piece[2])
{
    const uint64_t list[][3] = {
        {AREA_CHUNKS_AT, (uint64_t)small->chunks * CHUNK_SIZE,
         (uint64_t)large->chunks * CHUNK_SIZE},
        {AREA_TABLES_AT, small->tables, large->tables},
        {AREA_THREADS_AT, THREADS_SIZE(small->threads), THREADS_SIZE(large->threads)},
    };
    if (number >= sizeof list / sizeof *list)
        return false;
    piece[0] = list[number][0] + list[number][1];
    piece[1] = list[number][2] - list[number][1];
    return true;
}

void area_makes_room(struct host *h, struct process *p, uint64_t at, uint64_t piece[2])
{
    struct rlimit limit;
    piece[0] = piece[1] = 0;
    if (p->has_shrunk == 0) { /* else it asks for the next piece */
        if (!tracee_read(&p->tracee, at, &limit, sizeof limit))
            return;
        const struct area_size *size = smallest_within(p->size, area_size_share(limit.rlim_cur));
        while (size != p->size && !shrinks(p->family, size))
            size = area_size_larger(size);
        p->shrinks_to = size;
    }
    while (p->shrinks_to != p->size && piece[1] == 0 &&
           piece_between(p->size, p->shrinks_to, p->has_shrunk++, piece))
        ;
    if (piece[1] != 0) {
        piece[0] += p->area;
        return;
    }
    p->has_shrunk = 0;
    if (p->shrinks_to != p->size) {
        p->size = p->shrinks_to;
        area_tell_size(h, p);
    }
}
