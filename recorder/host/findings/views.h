/* views.h - files that stay open for the next process that maps them: to map a file and to find its
 * tables takes longer than to see that it is still the same.
 */
#ifndef RECORDER_VIEWS_H
#define RECORDER_VIEWS_H

#include "elf/elf.h"

struct view;

struct views {
    struct view **list;
    size_t count, room;
    uint64_t clock;
};

/* Open `path` as elf_open does; the copy in *elf lives until views_close. NULL: elf->error. */
struct view *views_open(struct views *views, const char *path, struct elf *elf);
void views_close(struct views *views, struct view *view, struct elf *elf);

#endif
