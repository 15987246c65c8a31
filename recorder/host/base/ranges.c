/* ranges.c - a set of addresses (ranges.h). */
#include "ranges.h"
#include "grow.h"

#include <string.h>

/* The first span that ends behind `address`. */
static size_t first_behind(const struct ranges *set, uint64_t address)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->list[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool insert(struct ranges *set, size_t at, struct span span)
{
    if (set->count == RANGES_MAX)
        return false;
    struct span *list = with_room_for_one(set->list, set->count, &set->room, 64, sizeof *list);
    if (list == NULL)
        return false;
    set->list = list;
    memmove(list + at + 1, list + at, (set->count++ - at) * sizeof *list);
    list[at] = span;
    return true;
}

static void drop(struct ranges *set, size_t at)
{
    memmove(set->list + at, set->list + at + 1, (--set->count - at) * sizeof *set->list);
}

bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end, uint64_t until)
{
    size_t at = first_behind(set, start);
    while (start < end && at < set->count && set->list[at].start < end) {
        struct span *span = &set->list[at], rest = *span;
        if (span->since > until) {
            at++;
        } else if (span->start < start && span->end > end) {
            rest.start = end;
            if (!insert(set, at + 1, rest))
                return false;
            set->list[at].end = start;
            return true;
        } else if (span->start < start) {
            span->end = start;
            at++;
        } else if (span->end > end) {
            span->start = end;
        } else {
            drop(set, at);
        }
    }
    return true;
}

bool ranges_add(struct ranges *set, uint64_t start, uint64_t end, uint64_t since)
{
    if (!ranges_remove(set, start, end, since))
        return false;
    for (size_t at = first_behind(set, start); start < end; at++) { /* between what is younger */
        const struct span *next = at < set->count ? &set->list[at] : NULL;
        uint64_t to = next && next->start < end ? next->start : end;
        uint64_t behind = next && next->start < end ? next->end : end;
        if (to > start && !insert(set, at++, (struct span){start, to, since}))
            return false;
        start = behind;
    }
    return true;
}

uint64_t ranges_missing(const struct ranges *set, uint64_t start, uint64_t end)
{
    uint64_t missing = 0;
    for (size_t at = first_behind(set, start); at < set->count && set->list[at].start < end; at++) {
        if (set->list[at].start > start)
            missing += set->list[at].start - start;
        start = set->list[at].end;
    }
    return end > start ? missing + (end - start) : missing;
}

void ranges_free(struct ranges *set)
{
    free(set->list);
    *set = (struct ranges){0};
}
