/* answers.h - what is said of the addresses of a file. */
#ifndef LINES_ANSWERS_H
#define LINES_ANSWERS_H

#include "units.h"

/* Writes a line of JSON for each address, in their order: null where gdb must be asked, else a list
 * of functions around it, inlined ones first: [name, file, line], as
 * gdb-scripts/brkpoint_gdb/symbol_lookup.py has them; file and line are null where they are not
 * known. A file that cannot be read: null for each. */
void answers_print(const char *path, const uint64_t *addresses, size_t count);

#endif
