/* size.h - how much of the data area there is. */
#ifndef RECORDER_AREA_SIZE_H
#define RECORDER_AREA_SIZE_H

#include "host.h"

#define MAX_PIECES (4 + 2 * MEMO_THREADS)
struct piece {
    uint64_t at, size;
    bool open; /* else it is only reserved, for threads of the target to open */
};
const struct area_size *area_size_largest(void);
const struct area_size *area_size_smaller(const struct area_size *size); /* NULL: there is none */
/* What of the area is to be mapped: how many pieces. */
unsigned area_size_pieces(const struct area_size *size, struct piece pieces[MAX_PIECES]);
/* How many bytes these are. */
uint64_t area_size_bytes(const struct area_size *size);
/* The next one on the way from `smaller` back to `size`. */
const struct area_size *area_size_larger(const struct area_size *smaller);
/* The most that may be taken of a process' address space: of such a limit (RLIM_INFINITY: of none). */
uint64_t area_size_share(uint64_t limit);
uint64_t area_size_limit(pid_t pid);
/* Map the area here, as much as can be: its size and address into `f`; `number`: of the family. False: not even
 * the least of it. */
bool area_size_map(struct family *f, int fd, unsigned number);
/* Before anything is recorded: no more than that is used. */
void area_size_use(struct family *f);

#endif
