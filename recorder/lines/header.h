/* header.h - the header of a line number program: how to read it, and the files that it is about. */
#ifndef LINES_HEADER_H
#define LINES_HEADER_H

#include "sections.h"

/* Texts here and below are those of the sections. */
struct file {
    const char *name, *folder; /* folder: NULL for none */
};

struct header {
    unsigned version, line_range, opcode_base;
    int line_base;
    bool is_stmt;
    const char *comp_dir;
    uint8_t lengths[256];
    const char **folders;
    size_t folder_count, folder_room;
    struct file *files;
    size_t file_count, file_room;
};

/* What *from begins with, into a header that is zero but for comp_dir; then *from is the program. False:
 * damaged, not understood, or no memory. header_free also then. */
bool header_read(struct header *header, struct reading *from, const struct sections *sections);
void header_free(struct header *header);

#endif
