/* unwind/index.h - what the files of unwind/ share: entries of unwind tables, before their rows. */
#ifndef BRKPOINT_FRAMES_INDEX_H
#define BRKPOINT_FRAMES_INDEX_H

#include "rows.h"

/* DW_EH_PE_*: LSB Core, "DWARF Exception Header Encoding". The low 4 bits are a format. */
enum {
    FRAMES_ABSOLUTE = 0x00,
    FRAMES_SDATA4 = 0x0b,
    FRAMES_PCREL = 0x10,
    FRAMES_DATAREL = 0x30,
    FRAMES_INDIRECT = 0x80,
    FRAMES_OMIT = 0xff,
};

/* Bytes of a pointer of that encoding, 0 where it has no fixed size or is unknown. */
static inline unsigned frames_pointer_size(uint8_t encoding)
{
    static const uint8_t sizes[16] = {8, 0, 2, 4, 8, 0, 0, 0, 0, 0, 2, 4, 8};
    return sizes[encoding & 15];
}

/* A common information entry: what several functions share. */
struct frames_cie {
    const uint8_t *at;              /* its length field: which entry this is */
    const uint8_t *code, *code_end; /* initial instructions */
    uint64_t code_align;
    int64_t data_align;
    uint64_t return_column;
    uint8_t encoding; /* of addresses: augmentation "R" */
    bool augmented;   /* "z": entries carry the length of their augmentation */
    bool is_signal;   /* "S" */
    bool is_valid;
};

/* The last ones read: linkers merge equal CIEs, so that a file has few. */
#define FRAMES_CIES 64
struct frames_cies {
    struct frames_cie held[FRAMES_CIES];
};

/* A function: its range and the instructions that tell its rows. */
struct frames_entry {
    struct frames_range range;
    const uint8_t *code, *code_end; /* code == NULL: read the function's own instructions */
    const uint8_t *cie;             /* its length field */
    const uint8_t *cie_end;         /* of what may be read from there */
    bool in_debug_frame;
    bool is_extra; /* from .debug_frame beside an .eh_frame: rows, but no extent */
};

/* The table of .eh_frame_hdr. */
struct frames_index {
    const uint8_t *rows;
    uint64_t vaddr, count;
};
bool frames_open_index(const struct elf *elf, struct frames_index *index);
void frames_index_row(const struct frames_index *index, uint64_t row, uint64_t *start,
                      uint64_t *fde);

/* Read the entry whose length field lies at vaddr `where`. */
bool frames_entry_at(const struct elf *elf, struct frames_cies *cies, uint64_t where,
                     struct frames_entry *entry);

/* Call `each` for all entries of .eh_frame and .debug_frame in the files' order. */
typedef void frames_entry_fn(void *context, const struct frames_entry *entry);
void frames_each_entry(const struct elf *elf, struct frames_cies *cies, frames_entry_fn *each,
                       void *context);

/* The CIE of an entry. */
const struct frames_cie *frames_cie_of(struct frames_cies *cies, const struct frames_entry *entry);

/* A place in unwind data. Reading beyond its end gives zeroes and sets `bad`. */
struct frames_cursor {
    const uint8_t *at, *end;
    bool bad;
};
uint64_t frames_fixed(struct frames_cursor *cursor, unsigned size);
uint64_t frames_uleb(struct frames_cursor *cursor);
int64_t frames_sleb(struct frames_cursor *cursor);

/* Run an entry's instructions and add its rows to `frames`. */
void frames_run(struct frames *frames, const struct frames_cie *cie,
                const struct frames_entry *entry);

/* Read the first instructions of the function in `range` and add its rows. */
void frames_run_prologue(struct frames *frames, const struct elf *elf, struct frames_range range);

/* Add a row, or change the last one where it has the same pc; one equal to it is left out. */
void frames_add(struct frames *frames, uint64_t vaddr, uint64_t what);

/* Whether `more` (a few) rows fit in; sets `failed` where memory ran out. */
bool frames_make_room(struct frames *frames, size_t more);

static inline uint64_t frames_what(unsigned kind, int64_t cfa, int64_t bp, int64_t bx)
{
    return kind | ((uint64_t)(uint32_t)((uint32_t)cfa << 9)) | (uint64_t)(uint16_t)bp << 32 |
           (uint64_t)(uint16_t)bx << 48;
}

#endif
