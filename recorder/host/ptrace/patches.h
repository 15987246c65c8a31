/* patches.h - a few bytes here and there in the target's code, written page by page: each write of
 * its own would have the kernel look for the page anew.
 */
#ifndef RECORDER_PATCHES_H
#define RECORDER_PATCHES_H

#include "tracee.h"

#define PATCH_ROOM 5

struct patch {
    uint64_t at;
    unsigned length;
    uint8_t bytes[PATCH_ROOM];
    size_t owner; /* the caller's own */
    bool failed;
};

/* Sorts the list; what could not be written has `failed`. What lies between is written as it is. */
void patches_write(const struct tracee *t, struct patch *list, size_t count);

#endif
