/* room.h - how much of the data area there is. */
#ifndef RECORDER_ROOM_H
#define RECORDER_ROOM_H

#include "host.h"

#define MAX_PIECES 4
struct piece {
    uint64_t at, size;
    bool open; /* else it is only reserved, for threads of the target to open */
};
const struct room *room_largest(void);
const struct room *room_smaller(const struct room *room); /* NULL: there is none */
/* What of the area is to be mapped: how many pieces. */
unsigned room_pieces(const struct room *room, struct piece pieces[MAX_PIECES]);
uint64_t room_size(const struct room *room);
/* The most that may be taken of a process' address space. */
uint64_t room_limit(pid_t pid);
/* Map the area here, all that can be; `number`: of the family. */
bool room_map(struct family *f, int fd, unsigned number);
/* Before anything is recorded: no more than the room is used. */
void room_use(struct family *f);

#endif
