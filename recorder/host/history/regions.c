/* history/regions.c - the regions of the program that threads are in (docs/regions.md).
 *
 * They form a tree: a region is its name's address, in one program, within another region. A name
 * that is open already leads to no new one, so that recursion makes none. alloctrace/history/regions.py has
 * the same rules.
 */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEEP = 1 << 12, LONGEST = 256 };

static int is_same(const struct region *a, const struct region *b)
{
    return a->name == b->name && a->image == b->image && a->process == b->process &&
           a->unloads == b->unloads;
}

static const struct region *region_of(const void *regions, uint32_t number)
{
    return (const struct region *)regions + number - 1;
}

static int is_same_place(const void *regions, uint32_t number, const void *wanted)
{
    const struct region *region = region_of(regions, number), *other = wanted;
    return region->parent == other->parent && is_same(region, other);
}

static uint64_t hash_of(const struct region *region)
{
    uint64_t hash = mixed(region->name + region->image);
    hash = mixed(hash + ((uint64_t)region->process << 32 | region->parent));
    return mixed(hash + region->unloads);
}

static void tell(struct history *h, uint32_t number, uint64_t t_ns)
{
    const struct region *region = &h->regions[number - 1];
    char text[LONGEST];
    int length = snprintf(
        text, sizeof text,
        "{\"type\":\"region\",\"id\":%u,\"parent\":%u,\"image\":%llu,\"name\":%llu,\"t_ns\":%llu}",
        number, region->parent, (unsigned long long)region->image, (unsigned long long)region->name,
        (unsigned long long)t_ns);
    put_record(h, SPOOL_JSON, text, (size_t)length);
}

/* The region of that name within `parent`, made where there is none; 0: there are too many. */
static uint32_t inside(struct history *h, uint32_t parent, struct region wanted, uint64_t t_ns)
{
    wanted.parent = parent;
    uint32_t number =
        index_find(&h->region_index, h->regions, hash_of(&wanted), is_same_place, &wanted);
    if (number)
        return number;
    for (uint32_t at = parent; at; at = h->regions[at - 1].parent)
        if (is_same(&h->regions[at - 1], &wanted))
            return parent;
    if (h->region_count >= MAX_REGIONS ||
        grow(h, (void **)&h->regions, &h->region_room, h->region_count + 1, sizeof *h->regions))
        return 0;
    number = ++h->region_count;
    h->regions[number - 1] = wanted;
    h->failed |= index_add(&h->region_index, hash_of(&wanted), number) != 0;
    tell(h, number, t_ns);
    return number;
}

static void lose(struct history *h)
{
    static const char text[] =
        "{\"type\":\"unseen\",\"kind\":\"regions\",\"text\":\"more regions, or "
        "deeper ones, than are kept apart: some events lie in none\"}";
    if (!h->has_lost_regions)
        put_record(h, SPOOL_JSON, text, sizeof text - 1);
    h->has_lost_regions = 1;
}

static uint32_t region_at(const struct thread *t)
{
    return t->region_depth ? t->regions[t->region_depth - 1] : 0;
}

void history_region_begin(struct history *h, uint64_t t_ns, uint32_t pid, uint32_t tid,
                          uint64_t name)
{
    struct thread *t = h->failed ? NULL : thread_of(h, pid, tid);
    if (!t)
        return;
    const struct process *p = &h->processes[t->process];
    const struct region wanted = {
        .name = name, .image = p->image, .process = t->process, .unloads = p->unloads};
    uint32_t number = 0;
    if (t->region_depth < MOST_DEEP && !t->regions_beyond &&
        !grow(h, (void **)&t->regions, &t->region_room, t->region_depth + 1, sizeof *t->regions))
        number = inside(h, region_at(t), wanted, t_ns);
    if (!number) {
        t->regions_beyond++;
        lose(h);
        return;
    }
    t->regions[t->region_depth++] = t->region = number;
    h->stamp++;
}

void history_region_end(struct history *h, uint32_t pid, uint32_t tid)
{
    struct thread *t = h->failed ? NULL : known_thread(h, pid, tid);
    if (!t)
        return;
    if (t->regions_beyond) {
        t->regions_beyond--;
        return;
    }
    if (t->region_depth)
        t->region_depth--;
    t->region = region_at(t);
    h->stamp++;
}

void history_regions_of(struct history *h, uint32_t pid, uint32_t tid, uint32_t child)
{
    struct thread *from = h->failed ? NULL : known_thread(h, pid, tid);
    if (!from || !from->region_depth)
        return;
    struct thread *to = thread_of(h, child, child);
    from = known_thread(h, pid, tid); /* the array may have moved */
    if (!to || !from ||
        grow(h, (void **)&to->regions, &to->region_room, from->region_depth, sizeof *to->regions))
        return;
    memcpy(to->regions, from->regions, from->region_depth * sizeof *to->regions);
    to->region_depth = from->region_depth;
    to->region = from->region;
    to->regions_beyond = from->regions_beyond;
}
