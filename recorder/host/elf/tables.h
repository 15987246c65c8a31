/* elf/tables.h - the tables of symbols that open.c looks for. */
#ifndef RECORDER_ELF_TABLES_H
#define RECORDER_ELF_TABLES_H

#include "elf.h"

/* .dynsym and .symtab, of a file whose headers are known: elf/symbols.c. */
void elf_find_tables(struct elf *elf);
/* The file in .gnu_debugdata, `*size` bytes of malloc; NULL: there is none, or none that can be read:
 * elf/mini.c. */
uint8_t *elf_unpack(const struct elf *elf, size_t *size);

#endif
