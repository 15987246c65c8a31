/* maps.h - /proc/PID/maps as plain values (proc(5)); the rules of alloctrace/elf/maps.py. */
#ifndef RECORDER_MAPS_H
#define RECORDER_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
    uint64_t start, end, offset;
    bool readable, writable, executable, shared;
    uint64_t inode, resident; /* resident: bytes, of maps_read_resident */
    const char *path;         /* in the text that belongs to struct maps; "" for anonymous memory */
};

struct maps {
    struct mapping *list; /* lowest address first */
    size_t count;
    char *text;
};

/* Read the mappings of a process; false with errno. maps_free is due in any case. */
bool maps_read(struct maps *maps, pid_t pid);
/* The same from /proc/PID/smaps, which also says what of them is in memory: dearer. */
bool maps_read_resident(struct maps *maps, pid_t pid);
void maps_free(struct maps *maps);
/* The mapping around `address`, or NULL. */
const struct mapping *maps_at(const struct maps *maps, uint64_t address);

/* Into *m what is mapped around `address`, `path` being "" or "[stack]"; false: nothing that can be
 * told so, maps_read may know more (an older kernel, a file). */
bool map_at(pid_t pid, uint64_t address, struct mapping *m);

#endif
