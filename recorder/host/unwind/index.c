/* unwind/index.c - finding one function in .eh_frame_hdr's sorted table. */
#include "index.h"

#include <string.h>

/* The only encodings of .eh_frame_hdr that linkers write (LSB Core, "The .eh_frame_hdr section"):
 * pointers relative to themselves, a count, rows relative to the header. */
#define SORTED_ROWS (FRAMES_DATAREL | FRAMES_SDATA4)

static bool count_of(const uint8_t *at, uint8_t encoding, uint64_t *count, unsigned *size)
{
    *size = frames_pointer_size(encoding);
    *count = 0;
    memcpy(count, at, *size);
    return *size && !(encoding & 0xf0);
}

bool frames_open_index(const struct elf *elf, struct frames_index *index)
{
    Elf64_Phdr segment;
    if (!elf_segment_of(elf, PT_GNU_EH_FRAME, &segment))
        return false;
    const uint8_t *at = elf_at(elf, segment.p_offset, segment.p_filesz);
    if (!at || segment.p_filesz < 20 || at[0] != 1 || at[3] != SORTED_ROWS)
        return false;
    unsigned pointer = frames_pointer_size(at[1]), size;
    if (!count_of(at + 4 + (pointer ? pointer : 8), at[2], &index->count, &size))
        return false;
    uint64_t skip = 4 + (pointer ? pointer : 8) + size;
    index->vaddr = segment.p_vaddr;
    index->rows = at + skip;
    return index->count && index->count <= (segment.p_filesz - skip) / 8;
}

void frames_index_row(const struct frames_index *index, uint64_t row, uint64_t *start,
                      uint64_t *fde)
{
    int32_t pair[2];
    memcpy(pair, index->rows + 8 * row, sizeof pair);
    *start = index->vaddr + pair[0];
    *fde = index->vaddr + pair[1];
}

static bool search(const struct frames_index *index, uint64_t vaddr, uint64_t *fde)
{
    uint64_t low = 0, high = index->count, start;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        frames_index_row(index, middle, &start, fde);
        if (start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return false;
    frames_index_row(index, low - 1, &start, fde);
    return true;
}

static bool find_by_scan(const struct elf *elf, uint64_t vaddr, struct frames_range *range)
{
    struct frames frames;
    bool found = frames_read(&frames, elf) == 0 && frames_extent(&frames, vaddr, range);
    frames_free(&frames);
    return found;
}

bool frames_find(const struct elf *elf, uint64_t vaddr, struct frames_range *range)
{
    struct frames_index index;
    struct frames_cies cies = {0};
    struct frames_entry entry;
    uint64_t where;
    if (!frames_open_index(elf, &index))
        return find_by_scan(elf, vaddr, range);
    if (!search(&index, vaddr, &where) || !frames_entry_at(elf, &cies, where, &entry))
        return false;
    *range = entry.range;
    return vaddr >= range->low && vaddr < range->high;
}
