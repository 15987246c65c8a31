/* rows/threads.c - what each thread allocated, group by group: exports/by_thread.py. */
#include "lifetimes.h"
#include "modes.h"

#include <errno.h>
#include <stdlib.h>

#include "table.h"

enum { TOGETHER = 1 << 10 /* shares in a message */ };

struct share {
    __int128 group, tid, allocations, allocated, live_blocks, live_bytes;
};

static struct table share_of;
static struct share *shares;
static uint64_t count, room;

static struct share *share_at(uint64_t group, uint64_t tid)
{
    uint64_t *at = table_at(&share_of, group, tid);
    if (*at != TABLE_NONE)
        return &shares[*at];
    if (count == room) {
        room = 2 * room + 64;
        shares = realloc(shares, room * sizeof *shares);
        if (!shares)
            wire_failed(ENOMEM);
    }
    *at = count;
    shares[count] = (struct share){.group = group, .tid = tid};
    return &shares[count++];
}

static void take(const struct happened *what)
{
    struct share *share = share_at(what->group, what->tid);
    switch (what->what) {
    case ALLOCATED:
        share->allocations++;
        share->allocated += what->size;
        share->live_blocks++;
        share->live_bytes += what->size;
        return;
    case RESIZED:
        share->live_bytes += (__int128)what->size - what->born;
        return;
    default:
        share->live_blocks--;
        share->live_bytes -= what->size;
    }
}

static void begin(struct cursor *told)
{
    lifetimes_begin(told, take);
}

static void finish(void)
{
    lifetimes_finish();
    for (uint64_t i = 0; i < count; i += TOGETHER) {
        uint64_t some = count - i < TOGETHER ? count - i : TOGETHER;
        wire_say(ROWS_RESULT, &shares[i], some * sizeof *shares);
    }
}

const struct mode mode_threads = {
    .name = "threads",
    .columns = LIFETIMES,
    .begin = begin,
    .chunk = lifetimes_chunk,
    .finish = finish,
};
