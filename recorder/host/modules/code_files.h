/* code_files.h - the files mapped as code, and where: from the mappings and from the program headers
 * in memory. The rules are those of alloctrace/elf/code_files.py, which says why. */
#ifndef RECORDER_CODE_FILES_H
#define RECORDER_CODE_FILES_H

#include "elf/elf.h"
#include "proc/maps.h"

struct code_file {
    const struct mapping *first; /* the lowest that is the file's own */
    const struct mapping *code;  /* an executable one */
    uint64_t start, end;
    bool
        has_bias; /* else memory does not hold the program headers: code_file_bias asks the file's */
    uint64_t bias; /* address - vaddr */
};

/* Reads memory of the process; false unless all of it is there. */
typedef bool code_files_read(const void *context, uint64_t address, void *bytes, size_t size);

/* In the order of their addresses: the first `room`. Returns how many. */
size_t code_files(const struct maps *maps, code_files_read *read, const void *context,
                  struct code_file *files, size_t room);

/* The bias that the file's own headers give it; false where no segment of code lies like that. */
bool code_file_bias(const struct code_file *file, const struct elf *elf, uint64_t *bias);

#endif
