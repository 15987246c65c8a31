/* unwind/rows.h - a file's unwind tables, made into the rows of unwind_format.h.
 *
 * Read: .eh_frame, through the sorted table of .eh_frame_hdr where there is one, and .debug_frame
 * (LSB Core, "Exception Frames"; DWARF 5, section 6.4). Functions that only a symbol tells of get
 * rows from their first instructions (unwind/prologue.c): pushes and subtractions before the first
 * branch; such rows are marked, and what they lead to must stand behind a call.
 *
 * Nothing in the file is trusted. What cannot be read has no rows.
 */
#ifndef BRKPOINT_FRAMES_H
#define BRKPOINT_FRAMES_H

#include "elf/elf.h"
#include "unwind_format.h"

/* vaddrs: [low, high). */
struct frames_range {
    uint64_t low, high;
};

/* Rows of one file, as two arrays of `rows` entries, and the functions that a table tells of. */
struct frames {
    uint64_t base; /* vaddr that `pcs` count from: elf_lowest_vaddr */
    uint32_t *pcs; /* sorted */
    uint64_t *what;
    size_t rows, room;
    struct frames_range *extents; /* sorted, apart from each other */
    size_t extent_count;
    size_t synthetic; /* functions whose rows were read from instructions */
    size_t lost;      /* rows of kind UNWIND_LOST */
    bool failed;      /* memory ran out */
    size_t budget;    /* bytes of instructions that may still be run: entries may share them */
};

/* Read the tables of `elf`, which may be closed afterwards. 0, or -1 where memory ran out; a file
 * without tables has no rows. frames_free in any case. */
int frames_read(struct frames *frames, const struct elf *elf);
void frames_free(struct frames *frames);

/* The row that holds at `vaddr`: its number, or -1 before the first. */
ptrdiff_t frames_row(const struct frames *frames, uint64_t vaddr);

/* The function around `vaddr` by an unwind table; false without one. */
bool frames_extent(const struct frames *frames, uint64_t vaddr, struct frames_range *range);

/* The same of one address in a file whose tables were not read: searches .eh_frame_hdr. */
bool frames_find(const struct elf *elf, uint64_t vaddr, struct frames_range *range);

/* Let stacks end in [low, high): nobody called this code, whatever the tables say. */
void frames_end_stacks(struct frames *frames, struct frames_range range);

/* The code around the entry point of a program or loader, where stacks end. A loader's entry, and
 * one without a table, is taken for 96 bytes. Libraries have none: do not ask. */
struct frames_range frames_start(const struct frames *frames, const struct elf *elf,
                                 bool is_loader);

#endif
