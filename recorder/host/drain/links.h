/* links.h - the way from chunk to chunk of one thread's records.
 *
 * A signal handler that leaves the agent by siglongjmp may do so after the thread has gone on to another
 * chunk, and before the one that it left names it: a wait for the cache line of `cur` ends just there.
 * But each chunk tells where the thread stood before it, so from where it stands now the way leads back.
 */
#ifndef RECORDER_LINKS_H
#define RECORDER_LINKS_H

#include "ring.h"

/* Writes what is missing between the reader's chunk and the thread's, as the agent would have. */
void links_mend(const struct family *f, struct thread_state *t, const struct reader *r);

/* The chunk that follows `number`, mended where the thread is in another one; 0: none. */
uint32_t links_next(const struct family *f, struct thread_state *t, const struct reader *r,
                    uint32_t number);

#endif
