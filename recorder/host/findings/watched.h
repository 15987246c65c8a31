/* watched.h - the names that count as allocator entry points: alloctrace/allocators.py makes the list.
 */
#ifndef RECORDER_WATCHED_H
#define RECORDER_WATCHED_H

#include "elf/elf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCHED_ARGUMENTS 3
#define WATCHED_REGISTERS 6

struct watched {
    const char *name, *point; /* the function, and the entry point that it is */
    const char *arguments;    /* what those at `places` are */
    uint8_t places[WATCHED_ARGUMENTS];
    uint8_t count;     /* of them */
    bool returns_size; /* it resizes in place */
    bool beside;       /* only in a file that has an allocator, and not where it just calls that */
};

struct watched_list {
    struct watched *list;
    const char **names; /* of each */
    size_t count;
    char *text;
    struct elf_named *found; /* room for what a file has of each */
};

/* From a descriptor: a line each, `name point argument,… place,… returns beside`. False: damaged, or no
 * memory. */
bool watched_read(struct watched_list *watched, int fd);

/* What shared.h's hook_kind says of it. */
uint64_t watched_kind(const struct watched *w);

/* Whether both read the same registers in the same way: aliases of one function. */
bool watched_alike(const struct watched *a, const struct watched *b);

#endif
