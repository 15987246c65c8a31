/* rows/returning.c - see returning.h. A heap: none returns before the one at half its place. */
#include "returning.h"

#include <errno.h>
#include <stdlib.h>

#include "wire.h"

static struct returning *heap;
static uint64_t count, room;

static int is_before(const struct returning *a, const struct returning *b)
{
    return a->ended != b->ended ? a->ended < b->ended : a->seq < b->seq;
}

void returning_put(const struct returning *call)
{
    if (count == room) {
        room = 2 * room + 64;
        heap = realloc(heap, room * sizeof *heap);
        if (!heap)
            wire_failed(ENOMEM);
    }
    uint64_t at = count++;
    for (; at && is_before(call, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *call;
}

int returning_take(uint64_t until, struct returning *call)
{
    if (!count || heap[0].ended > until)
        return 0;
    *call = heap[0];
    const struct returning *moved = &heap[--count];
    uint64_t at = 0;
    for (;;) {
        uint64_t next = 2 * at + 1;
        if (next + 1 < count && is_before(&heap[next + 1], &heap[next]))
            next++;
        if (next >= count || !is_before(&heap[next], moved))
            break;
        heap[at] = heap[next];
        at = next;
    }
    heap[at] = *moved;
    return 1;
}

uint64_t returning_count(void)
{
    return count;
}
