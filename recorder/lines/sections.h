/* sections.h - the debug sections of a file, unpacked. */
#ifndef LINES_SECTIONS_H
#define LINES_SECTIONS_H

#include "host/base/reading.h"
#include "host/elf/elf.h"

enum { INFO, ABBREV, LINE, STR, LINE_STR, RANGES, RNGLISTS, ARANGES, STR_OFFSETS, ADDR, SECTIONS };

struct sections {
    struct elf_bytes of[SECTIONS]; /* in the file, or in `unpacked`; none where the file has none */
    uint8_t *unpacked[SECTIONS];   /* own memory */
};

/* They are of use until sections_free, as long as the file is open. False: there is something that is not
 * understood here, or no memory, and gdb must be asked; sections_free also then. */
bool sections_read(struct sections *sections, const struct elf *elf);
void sections_free(struct sections *sections);

/* To read from `offset` to the end of one; damaged where it is not in it. */
struct reading section_from(const struct sections *sections, unsigned which, uint64_t offset);

#endif
