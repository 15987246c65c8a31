/* unwind/index.c - finding one function in .eh_frame_hdr's sorted table. */
#include "index.h"

#include <string.h>

/* The only encodings of .eh_frame_hdr that linkers write (LSB Core, "The .eh_frame_hdr section"):
 * pointers relative to themselves, a count, rows relative to the header. */
#define SORTED_ROWS (ROWS_DATAREL | ROWS_SDATA4)

static bool count_of(const uint8_t *at, uint8_t encoding, uint64_t *count, unsigned *size)
{
    *size = rows_pointer_size(encoding);
    *count = 0;
    memcpy(count, at, *size);
    return *size && !(encoding & 0xf0);
}

bool rows_open_index(const struct elf *elf, struct rows_index *index)
{
    Elf64_Phdr segment;
    if (!elf_segment_of(elf, PT_GNU_EH_FRAME, &segment))
        return false;
    const uint8_t *at = elf_at(elf, segment.p_offset, segment.p_filesz);
    if (!at || segment.p_filesz < 20 || at[0] != 1 || at[3] != SORTED_ROWS)
        return false;
    unsigned pointer = rows_pointer_size(at[1]), size;
    if (!count_of(at + 4 + (pointer ? pointer : 8), at[2], &index->count, &size))
        return false;
    uint64_t skip = 4 + (pointer ? pointer : 8) + size;
    index->vaddr = segment.p_vaddr;
    index->rows = at + skip;
    return index->count && index->count <= (segment.p_filesz - skip) / 8;
}

void rows_index_row(const struct rows_index *index, uint64_t row, uint64_t *start, uint64_t *fde)
{
    int32_t pair[2];
    memcpy(pair, index->rows + 8 * row, sizeof pair);
    *start = index->vaddr + pair[0];
    *fde = index->vaddr + pair[1];
}
