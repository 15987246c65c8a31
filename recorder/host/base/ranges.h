/* ranges.h - a set of addresses, each with the time since when it is in the set. Pure. */
#ifndef RECORDER_RANGES_H
#define RECORDER_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX ((size_t)1 << 16) /* as many mappings as a process usually may have */

struct ranges {
    struct span {
        uint64_t start, end, since;
    } * list; /* lowest first; they do not overlap */
    size_t count, room;
};

/* Adds [start, end); what of it was there is at least as young as `since` now. An empty one is nothing.
 * False: no memory, or too many; the set may have lost what is in [start, end). */
bool ranges_add(struct ranges *set, uint64_t start, uint64_t end, uint64_t since);
/* Removes what of [start, end) is no younger than `until`. False: as before. */
bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end, uint64_t until);
/* How many bytes of [start, end) are not in the set. */
uint64_t ranges_missing(const struct ranges *set, uint64_t start, uint64_t end);
void ranges_free(struct ranges *set);

#endif
