/* mapped.c - memory that no system call that was seen has made (mapped.h). */
#include "mapped.h"
#include "proc/maps.h"

#include <stdlib.h>
#include <sys/syscall.h>

enum {
    MAX_ERRNO = 4095,
    DONTUNMAP = 4, /* linux/mman.h, MREMAP_DONTUNMAP */
    MAP_HUGE = 0x40000,
    HUGE_SHIFT_AT = 26,
    USUAL_HUGE_SHIFT = 21,
    PAGE_BITS = 12
};

static struct mapped *of(struct process *p)
{
    if (p->mapped == NULL)
        p->mapped = calloc(1, sizeof *p->mapped);
    return p->mapped;
}

static uint64_t up(uint64_t value, unsigned shift)
{
    uint64_t part = (UINT64_C(1) << shift) - 1;
    return value > UINT64_MAX - part ? value & ~part : (value + part) & ~part;
}

/* Whole pages of `length` bytes from `start` on are there since `since`. */
static void know(struct mapped *m, uint64_t start, uint64_t length, unsigned shift, uint64_t since)
{
    uint64_t from = start & ~((UINT64_C(1) << PAGE_BITS) - 1), end = up(start + length, shift);
    m->failed |= !ranges_add(&m->known, from, end, since);
}

/* What another thread mapped there meanwhile stays. */
static void forget(struct mapped *m, uint64_t start, uint64_t end, uint64_t begun)
{
    m->failed |= !ranges_remove(&m->known, start, up(end, PAGE_BITS), begun);
}

void mapped_begin_by(struct process *p, const struct maps *maps)
{
    mapped_free(p);
    struct mapped *m = of(p);
    if (m == NULL)
        return;
    m->failed = maps->list == NULL;
    for (size_t i = 0; i < maps->count; i++)
        know(m, maps->list[i].start, maps->list[i].end - maps->list[i].start, PAGE_BITS, 0);
}

void mapped_begin(struct process *p)
{
    struct maps maps;
    maps_read(&maps, p->tracee.pid);
    mapped_begin_by(p, &maps);
    maps_free(&maps);
}

/* Threads of the parent map and unmap meanwhile, and who was first is not known: the child itself is
 * looked at. */
void mapped_inherit(struct process *child, const struct process *parent)
{
    mapped_begin(child);
    if (child->mapped != NULL && parent->mapped != NULL)
        child->mapped->lowest_break = parent->mapped->lowest_break;
}

/* mmap(2), MAP_HUGETLB: the size of a page is in the flags, 0: the usual one. */
static unsigned page_shift(uint64_t flags)
{
    unsigned shift = flags >> HUGE_SHIFT_AT & 63;
    if (!(flags & MAP_HUGE))
        return PAGE_BITS;
    return shift ? shift : USUAL_HUGE_SHIFT;
}

static uint64_t time_of(struct mapped *m, uint64_t stamp)
{
    m->latest = stamp > m->latest ? stamp : m->latest;
    return stamp ? stamp : m->latest;
}

static void moved(struct mapped *m, const struct mapped_call *c)
{
    uint64_t old = c->args[0], now = (uint64_t)c->returned, size = c->args[2];
    uint64_t kept = now == old ? size : 0; /* shrunk where it is, or moved away */
    if (!(c->args[3] & DONTUNMAP) && c->args[1] > kept)
        forget(m, up(old + kept, PAGE_BITS), old + c->args[1], c->begun);
    know(m, now, size, PAGE_BITS, c->ended);
}

static void broke(struct mapped *m, uint64_t now, const struct mapped_call *c)
{
    if (m->lowest_break == 0 || now < m->lowest_break)
        m->lowest_break = now;
    know(m, m->lowest_break, now - m->lowest_break, PAGE_BITS, c->ended);
}

void mapped_call(struct process *p, const struct mapped_call *call)
{
    struct mapped_call timed = *call, *c = &timed;
    struct mapped *m = p->mapped;
    if (m == NULL || (c->returned < 0 && c->returned >= -MAX_ERRNO))
        return;
    c->begun = time_of(m, c->begun);
    c->ended = time_of(m, c->ended);
    if (c->number == SYS_mmap)
        know(m, (uint64_t)c->returned, c->args[1], page_shift(c->args[3]), c->ended);
    else if (c->number == SYS_munmap)
        forget(m, c->args[0], c->args[0] + c->args[1], c->begun);
    else if (c->number == SYS_mremap)
        moved(m, c);
    else if (c->number == SYS_brk)
        broke(m, (uint64_t)c->returned, c);
}

void mapped_free(struct process *p)
{
    if (p->mapped == NULL)
        return;
    ranges_free(&p->mapped->known);
    ranges_free(&p->mapped->last);
    free(p->mapped);
    p->mapped = NULL;
}
