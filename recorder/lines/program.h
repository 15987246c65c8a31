/* program.h - the line number program of a unit, as gdb makes its tables of it. */
#ifndef LINES_PROGRAM_H
#define LINES_PROGRAM_H

#include "entries.h"

/* A source file, with texts and rows of its own. Those of one `id` are one: gdb/buildsym.c, start_subfile. */
struct source {
    char *name, *id;
    struct row {
        uint64_t pc;
        uint32_t line; /* 0: here ends what is of this file */
        bool is_stmt;
    } * rows;
    size_t count, room;
};

struct program {
    struct source *sources;
    size_t count, room;
    size_t *files; /* numbers of sources, by the index that .debug_info names them by */
    size_t file_count, first_file; /* first_file: the lowest index */
    size_t main;                   /* what is in no file is in this source */
};
#define NO_SOURCE SIZE_MAX

/* Of the unit with that first entry. False: damaged, not understood, or no memory. program_free also
 * then. */
bool program_read(struct program *program, const struct entry *unit,
                  const struct sections *sections);
void program_free(struct program *program);

/* The source of a file's index; NO_SOURCE: there is none. */
size_t program_file(const struct program *program, const struct value *index);

/* The source and the line of an address; *source is NO_SOURCE where none is known. False: two are as
 * good as each other. */
bool program_place(const struct program *program, uint64_t address, size_t *source, uint32_t *line);

/* The line of the source's own code last before or at an address, not before `start`; 0: none. */
uint32_t program_own_line(const struct program *program, size_t source, uint64_t start,
                          uint64_t address);

#endif
