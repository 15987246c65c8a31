/* elf/debug.c - the separate debug file that belongs to an ELF file. */
#include "elf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_SUMMED                                                                                 \
    (1u << 30) /* bytes; beyond this a checksum takes longer than symbols are worth */

static bool same_build_id(const struct elf *elf, const struct elf *debug)
{
    char ours[ELF_BUILD_ID_ROOM], theirs[ELF_BUILD_ID_ROOM];
    elf_build_id(elf, ours);
    elf_build_id(debug, theirs);
    return *ours && debug->identity != elf->identity && !strcmp(ours, theirs);
}

/* Whether the file's bytes have the CRC-32 that .gnu_debuglink names. */
static bool sums_to(const struct elf *debug, uint32_t checksum)
{
    return debug->size <= MAX_SUMMED && crc32(0, debug->data, debug->size) == checksum;
}

static bool open_if(const struct elf *elf, const char *path, const uint32_t *checksum,
                    struct elf *debug)
{
    char ours[ELF_BUILD_ID_ROOM];
    if (elf_open(debug, path) != 0)
        return false;
    elf_build_id(elf, ours);
    if (same_build_id(elf, debug) || (checksum && !*ours && sums_to(debug, *checksum)))
        return true;
    elf_close(debug);
    return false;
}

static bool open_by_build_id(const struct elf *elf, const char *root, struct elf *debug, char *room,
                             size_t size)
{
    char id[ELF_BUILD_ID_ROOM];
    elf_build_id(elf, id);
    if (strlen(id) <= 2)
        return false;
    snprintf(room, size, "%s/.build-id/%.2s/%s.debug", root, id, id + 2);
    return open_if(elf, room, NULL, debug);
}

/* The file name and the CRC-32 in .gnu_debuglink. */
static const char *debug_link(const struct elf *elf, uint32_t *checksum)
{
    struct elf_bytes data = elf_bytes_named(elf, ".gnu_debuglink");
    const char *name = data.at ? elf_text(data, 0) : "";
    size_t at = (strlen(name) + 4) & ~(size_t)3;
    if (!*name || strchr(name, '/') || strlen(name) >= NAME_MAX || at + 4 > data.size)
        return NULL;
    memcpy(checksum, data.at + at, 4);
    return name;
}

/* The folder of `path` without symbolic links, in `room`. */
static bool folder_of(const char *path, char room[PATH_MAX])
{
    if (!path || !realpath(path, room))
        return false;
    *(strrchr(room, '/')) = 0;
    return true;
}

static bool open_by_link(const struct elf *elf, const char *root, struct elf *debug, char *room,
                         size_t size)
{
    char folder[PATH_MAX];
    uint32_t checksum;
    const char *name = debug_link(elf, &checksum);
    if (!name || !folder_of(elf->path, folder))
        return false;
    snprintf(room, size, "%s/%s", folder, name);
    if (open_if(elf, room, &checksum, debug))
        return true;
    snprintf(room, size, "%s/.debug/%s", folder, name);
    if (open_if(elf, room, &checksum, debug))
        return true;
    snprintf(room, size, "%s%s/%s", root, folder, name);
    return open_if(elf, room, &checksum, debug);
}

int elf_open_debug(const struct elf *elf, const char *root, struct elf *debug, char *room,
                   size_t room_size)
{
    if (open_by_build_id(elf, root, debug, room, room_size))
        return 0;
    return open_by_link(elf, root, debug, room, room_size) ? 0 : -1;
}
