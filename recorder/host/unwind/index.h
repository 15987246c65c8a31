/* unwind/index.h - what the files of unwind/ share: entries of unwind tables, before their rows. */
#ifndef RECORDER_INDEX_H
#define RECORDER_INDEX_H

#include "base/reading.h"
#include "rows.h"

/* DW_EH_PE_*: LSB Core, "DWARF Exception Header Encoding". The low 4 bits are a format. */
enum {
    ROWS_ABSOLUTE = 0x00,
    ROWS_SDATA4 = 0x0b,
    ROWS_PCREL = 0x10,
    ROWS_DATAREL = 0x30,
    ROWS_INDIRECT = 0x80,
    ROWS_OMIT = 0xff,
};

/* Bytes of a pointer of that encoding, 0 where it has no fixed size or is unknown. */
static inline unsigned rows_pointer_size(uint8_t encoding)
{
    static const uint8_t sizes[16] = {8, 0, 2, 4, 8, 0, 0, 0, 0, 0, 2, 4, 8};
    return sizes[encoding & 15];
}

/* A common information entry: what several functions share. */
struct rows_cie {
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
#define ROWS_CIES 64
struct rows_cies {
    struct rows_cie held[ROWS_CIES];
};

/* A function: its range and the instructions that tell its rows. */
struct rows_entry {
    struct rows_range range;
    const uint8_t *code, *code_end; /* code == NULL: read the function's own instructions */
    const uint8_t *cie;             /* its length field */
    const uint8_t *cie_end;         /* of what may be read from there */
    bool in_debug_frame;
    bool is_extra; /* from .debug_frame beside an .eh_frame: rows, but no extent */
};

/* The table of .eh_frame_hdr. */
struct rows_index {
    const uint8_t *rows;
    uint64_t vaddr, count;
};
bool rows_open_index(const struct elf *elf, struct rows_index *index);
void rows_index_row(const struct rows_index *index, uint64_t row, uint64_t *start, uint64_t *fde);

/* Read the entry whose length field lies at vaddr `where`. */
bool rows_entry_at(const struct elf *elf, struct rows_cies *cies, uint64_t where,
                   struct rows_entry *entry);

/* Call `each` for all entries of .eh_frame and .debug_frame in the files' order. */
typedef void rows_entry_fn(void *context, const struct rows_entry *entry);
void rows_each_entry(const struct elf *elf, struct rows_cies *cies, rows_entry_fn *each,
                     void *context);

/* The CIE of an entry. */
const struct rows_cie *rows_cie_of(struct rows_cies *cies, const struct rows_entry *entry);

/* Run an entry's instructions and add its rows to `frames`. */
void rows_run(struct unwind_rows *table, const struct rows_cie *cie,
              const struct rows_entry *entry);

/* Read the first instructions of the function in `range` and add its rows. */
void rows_run_prologue(struct unwind_rows *table, const struct elf *elf, struct rows_range range);

/* Add a row, or change the last one where it has the same pc; one equal to it is left out. */
void rows_add(struct unwind_rows *table, uint64_t vaddr, uint64_t what);

/* Whether `more` (a few) rows fit in; sets `failed` where memory ran out. */
bool rows_make_room(struct unwind_rows *table, size_t more);

static inline uint64_t rows_what(unsigned kind, int64_t cfa, int64_t bp, int64_t bx)
{
    return kind | ((uint64_t)(uint32_t)((uint32_t)cfa << 9)) | (uint64_t)(uint16_t)bp << 32 |
           (uint64_t)(uint16_t)bx << 48;
}

#endif
