/* resident.h - how much of some addresses of a process is in memory. */
#ifndef RECORDER_RESIDENT_H
#define RECORDER_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A descriptor by which its memory is asked about, or -1. */
int resident_open(pid_t pid);
/* Adds the bytes between two addresses to *bytes, counted as smaps counts Rss. Only what is there is
 * looked at, however large the range. False: the kernel does not tell (before Linux 6.7). */
bool resident_add(int asked, uint64_t start, uint64_t end, uint64_t *bytes);

#endif
