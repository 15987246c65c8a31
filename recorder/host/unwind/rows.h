/* unwind/rows.h - a file's unwind tables, made into the rows of unwind_format.h.
 *
 * Read: .eh_frame, through the sorted table of .eh_frame_hdr where there is one, and .debug_frame
 * (LSB Core, "Exception Frames"; DWARF 5, section 6.4). Functions that only a symbol tells of get
 * rows from their first instructions (unwind/prologue.c): pushes and subtractions before the first
 * branch; such rows are marked, and what they lead to must stand behind a call.
 *
 * Nothing in the file is trusted. What cannot be read has no rows.
 */
#ifndef RECORDER_ROWS_H
#define RECORDER_ROWS_H

#include "elf/elf.h"
#include "unwind_format.h"

/* vaddrs: [low, high). */
struct rows_range {
    uint64_t low, high;
};

/* Rows of one file, as two arrays of `rows` entries, and the functions that a table tells of. While it
 * is made each row has its own `what`; then `kind` is which of the different ones, `kinds`, it has. */
#define MOST_KINDS 65536
struct unwind_rows {
    uint64_t base;  /* vaddr that `pcs` count from: elf_lowest_vaddr */
    uint32_t *pcs;  /* sorted */
    uint64_t *what; /* NULL: it is packed */
    uint16_t *kind;
    uint64_t *kinds;
    size_t kind_count;
    size_t rows, room;
    struct rows_range *extents; /* sorted, apart from each other */
    size_t extent_count;
    size_t synthetic; /* functions whose rows were read from instructions */
    size_t lost;      /* rows of kind UNWIND_LOST */
    bool failed;      /* memory ran out */
    size_t budget;    /* bytes of instructions that may still be run: entries may share them */
};

/* Read the tables of `elf`, which may be closed afterwards. 0, or -1 where memory ran out; a file
 * without tables has no rows. rows_free in any case. */
int rows_read(struct unwind_rows *table, const struct elf *elf);
void rows_free(struct unwind_rows *table);

/* All is read: from now on only `kind` and `kinds` say what the rows do. A file has some thousands of
 * kinds at most; rows beyond MOST_KINDS are UNWIND_LOST. False: no memory, as it was. */
bool rows_pack(struct unwind_rows *table);

/* The row that holds at `vaddr`: its number, or -1 before the first. */
ptrdiff_t rows_at(const struct unwind_rows *table, uint64_t vaddr);

/* The function around `vaddr` by an unwind table; false without one. */
bool rows_extent(const struct unwind_rows *table, uint64_t vaddr, struct rows_range *range);

/* The same of one address in a file whose tables were not read: searches .eh_frame_hdr. */
bool rows_find(const struct elf *elf, uint64_t vaddr, struct rows_range *range);

/* Let stacks end in [low, high): nobody called this code, whatever the tables say. Nothing where it is
 * packed. */
void rows_end_stacks(struct unwind_rows *table, struct rows_range range);

/* The code around the entry point of a program or loader, where stacks end. A loader's entry, and
 * one without a table, is taken for 96 bytes. Libraries have none: do not ask. */
struct rows_range rows_start(const struct unwind_rows *table, const struct elf *elf,
                             bool is_loader);

#endif
