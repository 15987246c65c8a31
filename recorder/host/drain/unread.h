/* unread.h - how much a recorder that was killed together with its heir (run/heir.h) had not written:
 * its memory file outlives it, and brkpoint has it too (start/recorder.py).
 *
 * The history's own memory is gone, so the events cannot be had back; but they are counted: those that
 * had been taken out of the rings, by the ledger in the last page of the file, and those still in the
 * rings, behind the place that the host notes for each thread. What of them the spool has, brkpoint
 * knows.
 */
#ifndef RECORDER_UNREAD_H
#define RECORDER_UNREAD_H

#include "area/memory_file.h"
#include "history/history.h"
#include "ring.h"

/* The ledger of that memory file; NULL: there is none. */
struct ledger *unread_ledger(int fd);

#define READ_ENTERED 1u /* the call at that place has been taken, its end has not */
static inline void unread_note(struct host *h, struct thread_state *t, const struct reader *r)
{
    t->read_to = (uint64_t)r->chunk << 32 | r->offset | (r->entered ? READ_ENTERED : 0);
    if (h->ledger != NULL) /* a test has none */
        h->ledger->taken = history_events(h->history);
}

/* Of the memory file `fd`: prints the events taken, those unread, and whether there may be others that
 * nobody can count. Exit status. */
int unread_tell(int fd);

#endif
