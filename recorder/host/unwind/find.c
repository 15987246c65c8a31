/* unwind/find.c - questions about tables that were read. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#define START_BYTES 96 /* glibc's _start and _dl_start_user: sysdeps/x86_64/dl-machine.h */

ptrdiff_t frames_row(const struct frames *frames, uint64_t vaddr)
{
    size_t low = 0, high = frames->rows;
    if (vaddr < frames->base || vaddr - frames->base > UINT32_MAX)
        return -1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (frames->pcs[middle] <= vaddr - frames->base)
            low = middle + 1;
        else
            high = middle;
    }
    return (ptrdiff_t)low - 1;
}

bool frames_extent(const struct frames *frames, uint64_t vaddr, struct frames_range *range)
{
    size_t low = 0, high = frames->extent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (frames->extents[middle].low <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || vaddr >= frames->extents[low - 1].high)
        return false;
    *range = frames->extents[low - 1];
    return true;
}

struct frames_range frames_start(const struct frames *frames, const struct elf *elf, bool is_loader)
{
    struct frames_range range;
    if (!is_loader && frames_extent(frames, elf->entry, &range))
        return range;
    return (struct frames_range){elf->entry, elf->entry + START_BYTES};
}

/* Take rows [first, next) out and put `count` others there. */
static void replace(struct frames *frames, size_t first, size_t next, const uint32_t *pcs,
                    const uint64_t *what, size_t count)
{
    size_t rest = frames->rows - next;
    memmove(frames->pcs + first + count, frames->pcs + next, rest * sizeof *pcs);
    memmove(frames->what + first + count, frames->what + next, rest * sizeof *what);
    memcpy(frames->pcs + first, pcs, count * sizeof *pcs);
    memcpy(frames->what + first, what, count * sizeof *what);
    frames->rows = first + count + rest;
}

void frames_end_stacks(struct frames *frames, struct frames_range range)
{
    uint64_t size = range.high - range.low;
    if (range.high <= range.low || range.low < frames->base ||
        range.high - frames->base > UINT32_MAX || !frames_make_room(frames, 2))
        return;
    ptrdiff_t last = frames_row(frames, range.high);
    ptrdiff_t first = frames_row(frames, range.low);
    uint32_t low = range.low - frames->base, pcs[2] = {low, low + (uint32_t)size};
    bool begins = first >= 0 && frames->pcs[first] == low;
    uint64_t mark = begins ? frames->what[first] & UNWIND_FIRST : 0;
    uint64_t what[2] = {UNWIND_END | mark, last >= 0 ? frames->what[last] : UNWIND_NO_TABLE};
    bool goes_on = last < 0 || frames->pcs[last] != pcs[1];
    if (goes_on)
        what[1] &= ~(uint64_t)UNWIND_FIRST;
    replace(frames, begins ? first : first + 1, last + !!goes_on, pcs, what, 1 + goes_on);
}
