/* unwind/entries.c - the entries of .eh_frame and .debug_frame, CIEs and FDEs, and the sorted table
 * of .eh_frame_hdr that leads to them. */
#include "index.h"

#include <string.h>

#define EXTENDED 0xffffffffu /* a 64-bit length follows: compilers do not write these */
#define MAX_CIE                                                                                    \
    (1u << 10) /* bytes; linkers write about 24. Entries may take turns with two of them */

/* Of the augmentation: R encoding, P and L are skipped, S signal, B pointer signing. */
static void read_augmentation(struct rows_cie *cie, const char *letters, struct reading *cursor)
{
    for (; *letters; letters++) {
        if (*letters == 'R') {
            cie->encoding = number(cursor, 1);
        } else if (*letters == 'P') {
            uint8_t encoding = number(cursor, 1);
            number(cursor, rows_pointer_size(encoding));
        } else if (*letters == 'L') {
            number(cursor, 1);
        } else if (*letters == 'S') {
            cie->is_signal = true;
        }
    }
}

/* DWARF 5, section 6.4.1; LSB Core, "The Common Information Entry Format". */
static void read_cie(struct rows_cie *cie, const uint8_t *at, const uint8_t *end, bool is_eh)
{
    memset(cie, 0, sizeof *cie);
    cie->at = at;
    struct reading cursor = {at, end, false};
    uint32_t length = number(&cursor, 4), id = number(&cursor, 4);
    if (cursor.bad || length < 8 || length > MAX_CIE || length - 4 > (size_t)(end - cursor.at) ||
        id != (is_eh ? 0 : EXTENDED))
        return;
    cursor.end = cursor.at + length - 4;
    uint8_t version = number(&cursor, 1);
    const char *letters = (const char *)cursor.at;
    const uint8_t *zero = memchr(cursor.at, 0, cursor.end - cursor.at);
    if (!zero)
        return;
    cursor.at = zero + 1 + (version >= 4 ? 2 : 0); /* size of addresses and of selectors */
    if (cursor.at > cursor.end)
        return;
    cie->code_align = uleb(&cursor);
    cie->data_align = sleb(&cursor);
    cie->return_column = version == 1 ? number(&cursor, 1) : uleb(&cursor);
    if (*letters == 'z') {
        uint64_t size = uleb(&cursor);
        cie->augmented = true;
        if (cursor.bad || size > (size_t)(cursor.end - cursor.at))
            return;
        cie->code = cursor.at + size;
        read_augmentation(cie, letters + 1, &cursor);
        cursor.at = cie->code;
    } else if (*letters) {
        return; /* "eh" of gcc 2 */
    }
    cie->code = cursor.at;
    cie->code_end = cursor.end;
    cie->is_valid = !cursor.bad;
}

static const struct rows_cie *cie_at(struct rows_cies *cies, const uint8_t *at, const uint8_t *end,
                                     bool is_eh)
{
    struct rows_cie *cie = &cies->held[(uintptr_t)at / 8 % ROWS_CIES];
    if (cie->at != at)
        read_cie(cie, at, end, is_eh);
    return cie->is_valid ? cie : NULL;
}

const struct rows_cie *rows_cie_of(struct rows_cies *cies, const struct rows_entry *entry)
{
    return cie_at(cies, entry->cie, entry->cie_end, !entry->in_debug_frame);
}

/* Unwind data and the vaddr of its first byte. */
struct block {
    struct elf_bytes bytes;
    uint64_t vaddr;
    bool is_eh;
};

static bool read_range(const struct block *block, uint8_t encoding, struct reading *cursor,
                       struct rows_range *range)
{
    unsigned size = rows_pointer_size(encoding);
    uint64_t here = block->vaddr + (cursor->at - block->bytes.at);
    if (!size || encoding & ROWS_INDIRECT || (encoding & 0x70 && (encoding & 0x70) != ROWS_PCREL))
        return false;
    unsigned unused = 64 - 8 * size;
    uint64_t start = number(cursor, size), length = number(cursor, size);
    if (encoding & 8)
        start = (uint64_t)((int64_t)(start << unused) >> unused);
    if (encoding & ROWS_PCREL)
        start += here;
    range->low = start;
    range->high = start + length;
    return range->high > start && !cursor->bad;
}

/* The entry at `at` of the block. False for a CIE and for what cannot be read. `next`: where the
 * one after it begins, NULL behind the last. */
static bool read_entry(const struct block *block, struct rows_cies *cies, uint64_t at,
                       struct rows_entry *entry, uint64_t *next)
{
    const uint8_t *data = block->bytes.at, *end = data + block->bytes.size;
    struct reading cursor = {data + at, end, false};
    uint32_t length = number(&cursor, 4);
    *next = at + 4 + length;
    if (cursor.bad || length == EXTENDED || length > (size_t)(end - cursor.at)) {
        *next = 0;
        return false;
    }
    cursor.end = cursor.at + length;
    uint64_t link_at = at + 4, link = number(&cursor, 4);
    if (length < 8 || link == (block->is_eh ? 0 : EXTENDED))
        return false;
    uint64_t cie_offset = block->is_eh ? link_at - link : link;
    if (block->is_eh ? link > link_at : link >= block->bytes.size)
        return false;
    *entry = (struct rows_entry){
        .cie = data + cie_offset, .cie_end = end, .in_debug_frame = !block->is_eh};
    const struct rows_cie *cie = rows_cie_of(cies, entry);
    if (!cie || !read_range(block, cie->encoding, &cursor, &entry->range))
        return false;
    uint64_t skip = cie->augmented ? uleb(&cursor) : 0;
    if (cursor.bad || skip > (size_t)(cursor.end - cursor.at))
        return false;
    entry->code = cursor.at + skip;
    entry->code_end = cursor.end;
    return true;
}

bool rows_entry_at(const struct elf *elf, struct rows_cies *cies, uint64_t where,
                   struct rows_entry *entry)
{
    Elf64_Phdr segment;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++) {
        if (segment.p_type != PT_LOAD || where < segment.p_vaddr ||
            where - segment.p_vaddr >= segment.p_filesz)
            continue;
        uint64_t next;
        struct block block = {elf_stored(elf, segment.p_vaddr), segment.p_vaddr, true};
        return where - segment.p_vaddr < block.bytes.size &&
               read_entry(&block, cies, where - segment.p_vaddr, entry, &next);
    }
    return false;
}

static void each_in(const struct block *block, bool is_extra, struct rows_cies *cies,
                    rows_entry_fn *each, void *context)
{
    struct rows_entry entry;
    for (uint64_t at = 0, next; at + 8 <= block->bytes.size; at = next) {
        bool found = read_entry(block, cies, at, &entry, &next);
        entry.is_extra = is_extra;
        if (found)
            each(context, &entry);
        if (!next)
            return;
    }
}

static bool each_in_section(const struct elf *elf, const char *name, bool is_extra,
                            struct rows_cies *cies, rows_entry_fn *each, void *context)
{
    Elf64_Shdr section;
    if (!elf_section_named(elf, name, &section))
        return false;
    struct block block = {elf_section_bytes(elf, &section), section.sh_addr,
                          !strcmp(name, ".eh_frame")};
    each_in(&block, is_extra, cies, each, context);
    return block.bytes.size != 0;
}

/* ---- by the sorted table ---- */

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

void rows_each_entry(const struct elf *elf, struct rows_cies *cies, rows_entry_fn *each,
                     void *context)
{
    struct rows_index index;
    struct rows_entry entry;
    bool has_index = rows_open_index(elf, &index), has_eh = has_index;
    if (!has_index) {
        has_eh = each_in_section(elf, ".eh_frame", false, cies, each, context);
    } else {
        uint64_t start, where;
        for (uint64_t row = 0; row < index.count; row++) {
            rows_index_row(&index, row, &start, &where);
            if (rows_entry_at(elf, cies, where, &entry))
                each(context, &entry);
        }
    }
    each_in_section(elf, ".debug_frame", has_eh, cies, each, context);
}
