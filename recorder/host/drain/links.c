/* links.c - links that are missing (links.h). Every index is checked, and no more chunks are looked at
 * than there are: the target can write here what it likes.
 */
#include "links.h"

static uint32_t chunk_of(uint64_t place)
{
    return (uint32_t)(place >> 32);
}

void links_mend(const struct family *f, struct thread_state *t, const struct reader *r)
{
    uint32_t owner = (uint32_t)(r - f->readers) + 1;
    uint32_t number = chunk_of(__atomic_load_n(&t->cur, __ATOMIC_ACQUIRE));
    for (unsigned i = 0; i < AREA_CHUNKS && number != r->chunk; i++) {
        if (number == 0 || number > AREA_CHUNKS || chunk_at(f, number)->owner != owner)
            return;
        uint64_t before = chunk_at(f, number)->before;
        uint32_t earlier = chunk_of(before);
        if (earlier == 0 && t->first_chunk == 0)
            __atomic_store_n(&t->first_chunk, number, __ATOMIC_RELEASE);
        if (earlier == 0 || earlier > AREA_CHUNKS)
            return;
        struct chunk *c = chunk_at(f, earlier);
        if (c->next == 0) {
            c->end = (uint32_t)before;
            __atomic_store_n(&c->next, number, __ATOMIC_RELEASE);
        }
        number = earlier;
    }
}

uint32_t links_next(const struct family *f, struct thread_state *t, const struct reader *r,
                    uint32_t number)
{
    const uint32_t *next = &chunk_at(f, number)->next;
    uint32_t found = __atomic_load_n(next, __ATOMIC_ACQUIRE);
    if (found != 0 || chunk_of(__atomic_load_n(&t->cur, __ATOMIC_ACQUIRE)) == number)
        return found;
    links_mend(f, t, r);
    return __atomic_load_n(next, __ATOMIC_ACQUIRE);
}
