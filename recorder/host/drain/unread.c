/* unread.c - counting what is left in a memory file (unread.h). Nothing in it is trusted: every index is
 * checked, and no more is read than there can be.
 */
#define _GNU_SOURCE
#include "unread.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ledger *unread_ledger(int fd)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)LEDGER_AT);
    return at == MAP_FAILED ? NULL : at;
}

static bool read_at(int fd, uint64_t from, void *bytes, size_t size)
{
    return pread(fd, bytes, size, (off_t)from) == (ssize_t)size;
}

/* A family's, and which of its chunks have been read: each is one thread's, whatever a damaged ring
 * says, so no way through it is endless. */
static struct area_head head;
static uint32_t chunks_read[AREA_CHUNKS / 32];

static bool is_event(uint64_t word)
{
    unsigned kind = word & 0xff, number = word >> 8 & 0xffff;
    if (kind == RECORD_CALL && number < sizeof head.hook_kind / sizeof *head.hook_kind)
        return !(head.hook_kind[number] & HOOK_MARKS);
    return kind == RECORD_CALL || kind == RECORD_CALL3 || kind == RECORD_SYSCALL;
}

/* The events in one chunk from `offset` on. What was begun and never finished is passed (ring.c). */
static uint64_t events_in(const struct chunk *c, uint32_t offset)
{
    uint64_t count = 0;
    uint32_t end = c->next != 0 && c->end < CHUNK_SIZE ? c->end : CHUNK_SIZE;
    while (offset + SLOT <= end) {
        uint64_t word;
        memcpy(&word, (const char *)c + offset, sizeof word);
        uint32_t size = ring_size_of(word);
        if ((word & 0xff) == RECORD_BEGUN)
            size = (uint32_t)(word >> 8 & 0xffff) / SLOT * SLOT;
        if (word != 0 && size == 0)
            return count;
        count += is_event(word);
        offset += size ? size : SLOT;
    }
    return count;
}

static uint64_t place_of(uint64_t family, uint32_t number)
{
    return family + AREA_CHUNKS_AT + (uint64_t)(number - 1) * CHUNK_SIZE;
}

/* The chunk that follows `number` where that does not say so itself (links.h). */
static uint32_t found_behind(int fd, uint64_t family, uint32_t number, const struct thread_state *t)
{
    struct {
        uint32_t owner, next, end, unused;
        uint64_t before;
    } chunk;
    _Static_assert(offsetof(struct chunk, before) == 16, "the beginning of a chunk");
    uint32_t last = (uint32_t)(t->cur >> 32);
    for (unsigned i = 0; i < AREA_CHUNKS && last - 1 < AREA_CHUNKS && last != number; i++) {
        if (!read_at(fd, place_of(family, last), &chunk, sizeof chunk))
            break;
        if ((uint32_t)(chunk.before >> 32) == number)
            return last;
        last = (uint32_t)(chunk.before >> 32);
    }
    return 0;
}

/* Of the thread at `index` of the family at `place`. */
static uint64_t events_of(int fd, uint64_t place, uint32_t index, const struct thread_state *t)
{
    static struct chunk c;
    uint32_t number = t->first_chunk, offset = CHUNK_HEAD;
    uint64_t count = 0;
    if (number == 0)
        number = found_behind(fd, place, 0, t);
    if (t->read_to != 0) {
        number = (uint32_t)(t->read_to >> 32);
        offset = (uint32_t)t->read_to & ~(SLOT - 1);
    }
    while (number - 1 < AREA_CHUNKS) {
        uint32_t *read = &chunks_read[(number - 1) / 32], bit = 1u << (number - 1) % 32;
        if (*read & bit)
            break;
        *read |= bit;
        if (offset < CHUNK_HEAD || !read_at(fd, place_of(place, number), &c, sizeof c) ||
            c.owner != index + 1)
            break;
        count += events_in(&c, offset);
        number = c.next != 0 ? c.next : found_behind(fd, place, number, t);
        offset = CHUNK_HEAD;
    }
    return count > 0 && (t->read_to & READ_ENTERED) ? count - 1 : count;
}

static uint64_t events_of_family(int fd, uint64_t place)
{
    static struct thread_state t;
    uint64_t count = 0;
    memset(chunks_read, 0, sizeof chunks_read);
    if (!read_at(fd, place, &head, sizeof head) || head.magic != AREA_MAGIC)
        return 0;
    for (uint32_t i = 0; i < AREA_THREADS; i++)
        if ((head.threads[i / 32] >> i % 32 & 1) &&
            read_at(fd, place + THREAD_AT(i), &t, offsetof(struct thread_state, buckets)) &&
            t.use != THREAD_FREE)
            count += events_of(fd, place, i, &t);
    return count;
}

int unread_tell(int fd)
{
    struct ledger ledger = {0};
    uint64_t unread = 0;
    if (!read_at(fd, LEDGER_AT, &ledger, sizeof ledger))
        return 3;
    for (unsigned i = 0; i < MAX_FAMILIES; i++)
        unread += events_of_family(fd, i * FAMILY_SIZE);
    printf("%llu %llu %llu\n", (unsigned long long)ledger.taken, (unsigned long long)unread,
           (unsigned long long)(ledger.moved != 0));
    return 0;
}
