/* loader.h - the dynamic loader's private allocator, with symbols and without. */
#ifndef RECORDER_LOADER_H
#define RECORDER_LOADER_H

#include "elf/elf.h"

/* The loader's private allocator (glibc 2.32 and later: elf/dl-minimal-malloc.c). */
enum elf_loader_name { ELF_MALLOC, ELF_CALLOC, ELF_REALLOC, ELF_FREE, ELF_LOADER_NAMES };
extern const char *const elf_loader_impls[ELF_LOADER_NAMES]; /* "__minimal_malloc", … */
enum elf_source { ELF_NOT_FOUND, ELF_BY_SYMBOLS, ELF_BY_PATTERN };

/* Find it by symbol, by the symbols of the debug file below `debug_root` (NULL: do not look for
 * one), or by the shape of the function that sets its pointers. Nothing rather than a guess. */
enum elf_source elf_loader_malloc(const struct elf *elf, const char *debug_root,
                                  uint64_t vaddrs[ELF_LOADER_NAMES]);

#endif
