/* map_at.h - one mapping of a process, without reading all of them. */
#ifndef RECORDER_MAP_AT_H
#define RECORDER_MAP_AT_H

#include "maps.h"

/* Into *m what is mapped around `address`, `path` being "" or "[stack]"; false: nothing that can be
 * told so, /proc/PID/maps may know more (an older kernel, a file). */
bool map_at(pid_t pid, uint64_t address, struct mapping *m);

#endif
