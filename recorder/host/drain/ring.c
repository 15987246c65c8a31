/* ring.c - one thread's records, chunk by chunk, as its agent writes them.
 *
 * What stands in the ring was written by the target's own memory accesses: every index, offset and
 * kind is checked, and what makes no sense ends the reading of that thread with a word.
 */
#include "ring.h"
#include "links.h"
#include "unread.h"
#include "say.h"

void ring_release(struct host *h, struct family *f, uint32_t number)
{
    must(number >= 1 && number <= AREA_CHUNKS, "a chunk that is given back is one of the ring's");
    h->chunks_read++;
    f->given_back++;
    chunk_at(f, number)->owner = 0; /* nobody's: a damaged ring may lead here again */
    __atomic_fetch_or(&f->area->free_chunks[(number - 1) / 32], 1u << (number - 1) % 32,
                      __ATOMIC_RELEASE);
}

void ring_spoiled(struct host *h, struct reader *r, const char *what)
{
    say_lost(h, 1, what);
    r->chunk = BAD_CHUNK;
}

/* ---- records that were begun and given up ----
 *
 * A signal handler that interrupts the agent may leave by siglongjmp: the record that was begun will
 * never be finished, and what follows must not wait for it. It is given up when so many chunks have
 * been filled behind it, or nothing more will come. The chunk is not used again before as many
 * others: the handler may come back after all, and finish it.
 */
#define GIVE_UP_AFTER 64

static void keep(struct host *h, struct family *f, uint32_t number)
{
    uint32_t *kept = &f->kept[f->kept_next];
    if (*kept != 0)
        ring_release(h, f, *kept);
    chunk_at(f, number)->owner = 0;
    *kept = number;
    f->kept_next = (f->kept_next + 1) % CHUNKS_KEPT;
}

static bool is_given_up(const struct family *f, struct thread_state *t, const struct reader *r)
{
    uint32_t number = r->chunk;
    for (int i = 0; i < GIVE_UP_AFTER && r->stop != READ_ALL; i++) {
        number = links_next(f, t, r, number);
        if (number == 0 || number > AREA_CHUNKS)
            return false;
    }
    return true;
}

/* Whether the thread has taken the place that is read. */
static bool is_taken(const struct family *f, const struct thread_state *t, const struct reader *r)
{
    uint64_t cur = __atomic_load_n(&t->cur, __ATOMIC_ACQUIRE);
    uint32_t end = (uint32_t)(cur >> 32) == r->chunk ? (uint32_t)cur : chunk_at(f, r->chunk)->end;
    return r->offset < end;
}

/* Past a record that is not finished; false: it may still be. Where not even its size was written,
 * nothing was: the chunk was made zero, and what follows is found behind the zeros. */
static bool pass_unfinished(const struct family *f, struct thread_state *t, struct reader *r)
{
    const union record *record =
        (const union record *)((const char *)chunk_at(f, r->chunk) + r->offset);
    if (!is_taken(f, t, r) || !is_given_up(f, t, r))
        return false;
    uint64_t word = __atomic_load_n(&record->word, __ATOMIC_ACQUIRE);
    uint32_t size = (word >> 8 & 0xffff) / SLOT * SLOT;
    if (word != 0 && (word & 0xff) != RECORD_BEGUN)
        return true; /* finished at the last moment */
    r->offset += size == 0 ? SLOT : size;
    r->keeps = true;
    return true;
}

/* The reader's place is the beginning of the chunk `number`, if that is the thread's. */
static bool move_to(struct host *h, const struct family *f, struct reader *r, uint32_t number)
{
    uint32_t owner = (uint32_t)(r - f->readers) + 1;
    if (number > AREA_CHUNKS) {
        ring_spoiled(h, r, "the ring is damaged: a chunk that does not exist");
        return false;
    }
    if (chunk_at(f, number)->owner != owner) {
        ring_spoiled(h, r, "the ring is damaged: a chunk that is not the thread's");
        return false;
    }
    r->chunk = number;
    r->offset = CHUNK_HEAD;
    return true;
}

/* Give the chunk that is read back, and go on in the next. Where we have read to is noted before: who
 * counts what a killed recorder left unread must not be led to a chunk that has another owner. */
static bool go_on(struct host *h, struct family *f, struct thread_state *t, struct reader *r,
                  uint32_t next)
{
    uint32_t read = r->chunk;
    r->chunk = next;
    r->offset = CHUNK_HEAD;
    unread_note(h, t, r);
    if (r->keeps)
        keep(h, f, read);
    else
        ring_release(h, f, read);
    r->keeps = false;
    return move_to(h, f, r, next);
}

uint64_t ring_word(struct host *h, struct family *f, struct thread_state *t, struct reader *r)
{
    for (;;) {
        if (r->chunk == BAD_CHUNK)
            return 0;
        if (r->chunk == 0) {
            if (t->first_chunk == 0)
                links_mend(f, t, r);
            uint32_t first = __atomic_load_n(&t->first_chunk, __ATOMIC_ACQUIRE);
            if (first == 0 || !move_to(h, f, r, first))
                return 0;
        }
        if (r->offset >= ring_end(r) && r->offset + SLOT <= CHUNK_SIZE)
            return 0;
        must(r->chunk <= AREA_CHUNKS && r->offset >= CHUNK_HEAD && r->offset % SLOT == 0,
             "a reader stands at a slot of a chunk");
        const struct chunk *c = chunk_at(f, r->chunk);
        bool has_room = r->offset + SLOT <= CHUNK_SIZE;
        uint64_t word = has_room ? __atomic_load_n(&ring_record(f, r)->word, __ATOMIC_ACQUIRE) : 0;
        if (word != 0 && (word & 0xff) != RECORD_BEGUN)
            return word;
        uint32_t next = links_next(f, t, r, r->chunk);
        if (has_room && pass_unfinished(f, t, r))
            continue;
        if (word != 0 || next == 0 || (has_room && r->offset < c->end))
            return 0;
        if (!go_on(h, f, t, r, next))
            return 0;
    }
}

uint64_t ring_pace(const struct host *h, const struct family *f, const struct reader *r)
{
    const char *chunk = (const char *)chunk_at(f, r->chunk);
    uint64_t first = ring_record(f, r)->event.time, steps = 0;
    uint32_t every = f->area->clock;
    if (every == 1 || every == CLOCK_ORDER)
        return 0;
    if (first == 0)
        return r->pace_ns;
    for (uint32_t at = r->offset; at + SLOT <= CHUNK_SIZE;) {
        const union record *record = (const union record *)(chunk + at);
        uint64_t word = __atomic_load_n(&record->word, __ATOMIC_ACQUIRE);
        uint32_t size = ring_size_of(word);
        if (size == 0 || at + size > CHUNK_SIZE)
            return 0;
        if (steps != 0 && ring_has_time(word) && record->event.time > first)
            return (clock_ns(&h->clock, record->event.time) - clock_ns(&h->clock, first)) / steps;
        steps += ring_has_time(word) ? 2 : 0; /* begin and end */
        at += size;
    }
    return 0;
}

uint64_t ring_call_ends(const struct family *f, const struct reader *r, uint32_t size)
{
    const struct chunk *c = chunk_at(f, r->chunk);
    const union record *record = ring_record(f, r);
    bool follows = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE) != 0;
    if (!follows && r->offset + size + SLOT <= CHUNK_SIZE)
        follows =
            __atomic_load_n((const uint64_t *)((const char *)record + size), __ATOMIC_ACQUIRE) != 0;
    uint64_t word = __atomic_load_n(&record->word, __ATOMIC_ACQUIRE);
    return word & RECORD_DONE || follows ? word : 0;
}
