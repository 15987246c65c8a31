/* ring.h - one thread's records in the area that it shares with the host; shared.h has their form.
 *
 * A reader's place is a chunk and an offset in it. None of these takes memory.
 */
#ifndef RECORDER_RING_H
#define RECORDER_RING_H

#include "host.h"
#include "reader.h"

#define BAD_CHUNK UINT32_MAX /* the thread's stream makes no sense: it is not read on */

static inline struct chunk *chunk_at(const struct family *f, uint32_t number)
{
    return host_at(f, AREA_CHUNKS_AT + (uint64_t)(number - 1) * CHUNK_SIZE);
}

/* Bytes of the record that begins with `word`; 0: of no kind that there is. */
static inline uint32_t ring_size_of(uint64_t word)
{
    static const uint16_t sizes[] = {
        [RECORD_CALL] = RECORD_SIZE(call),   [RECORD_CALL3] = RECORD_SIZE(call3),
        [RECORD_LEAVE] = RECORD_SIZE(leave), [RECORD_NODE] = RECORD_SIZE(node),
        [RECORD_PATH] = RECORD_SIZE(path),   [RECORD_SYSCALL] = RECORD_SIZE(syscall),
    };
    unsigned kind = word & 0xff;
    return kind < sizeof sizes / sizeof *sizes ? sizes[kind] : 0;
}

/* The record at the reader's place. */
static inline const union record *ring_record(const struct family *f, const struct reader *r)
{
    return (const union record *)((const char *)chunk_at(f, r->chunk) + r->offset);
}

/* Reading on until the thread is reached would be a race over the same cache lines, dear for both:
 * a turn reads what was there when it began. */
#define READ_ALL (UINT64_C(1) << 63) /* a `stop` in no chunk: the thread is over, no more comes */
static inline uint32_t ring_end(const struct reader *r)
{
    uint32_t end = (uint32_t)(r->stop >> 32) == r->chunk ? (uint32_t)r->stop : CHUNK_SIZE;
    return end < CHUNK_SIZE ? end : CHUNK_SIZE;
}

static inline bool ring_has_time(uint64_t word)
{
    unsigned kind = word & 0xff;
    return kind != RECORD_NODE && kind < RECORD_BEGUN;
}

/* The first word of the record at the reader's place; 0: there is none yet. Moves to the next
 * chunk where this one is read. */
uint64_t ring_word(struct host *h, struct family *f, struct thread_state *t, struct reader *r);
/* The call at the reader's place, `size` bytes long: its word once nothing will be written into it
 * any more, 0 while its result may still come. Behind a record that follows it, its end has a
 * record of its own. */
uint64_t ring_call_ends(const struct family *f, const struct reader *r, uint32_t size);
/* The time stamp of its end, where that has one: of such a word; 0: it has none. */
static inline uint64_t ring_end_time(const struct family *f, const struct reader *r, uint64_t word)
{
    const union record *record = ring_record(f, r);
    if (!(word & RECORD_DONE))
        return 0;
    if ((word & 0xff) == RECORD_CALL3)
        return record->call3.end;
    return record->call.time != r->begun ? record->call.time : 0; /* CLOCK_ORDER */
}
/* Where not every event has a time stamp: the nanoseconds from one event to the next, behind the
 * stamp of the record at the reader's place. 0 where the next stamp is not there yet. */
uint64_t ring_pace(const struct host *h, const struct family *f, const struct reader *r);
/* The chunk `number` is free for any thread. */
void ring_release(struct host *h, struct family *f, uint32_t number);
/* The thread's stream ends here, with `what` as the reason. */
void ring_spoiled(struct host *h, struct reader *r, const char *what);

#endif
