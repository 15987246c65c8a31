/* rows/places.c - what became of the blocks of each place: DHAT's sums, exports/dhat.py. */
#include "lifetimes.h"
#include "modes.h"

#include <errno.h>
#include <stdlib.h>

enum { TOGETHER = 1 << 10 /* places in a message */ };

/* All that ever were; live now; at its own peak; at the peak of all. In DHAT's order. */
struct place {
    __int128 all, blocks, lived, own, own_held, at_peak, at_peak_held, live, held;
};

static uint32_t *place_of; /* by group */
static struct place *places;
static uint64_t *seen; /* the number of the latest peak that it was asked at */
static uint64_t count, peaks, peak_ns, end;
static __int128 total, peak;

static struct place *changing(uint64_t number)
{
    struct place *place = &places[number];
    if (seen[number] != peaks) {
        seen[number] = peaks;
        place->at_peak = place->live;
        place->at_peak_held = place->held;
    }
    return place;
}

static void change(struct place *place, __int128 bytes)
{
    place->live += bytes;
    total += bytes;
}

static void take(const struct happened *what)
{
    struct place *place = changing(place_of[what->group]);
    end = what->t_ns;
    switch (what->what) {
    case RESIZED:
        change(place, (__int128)what->size - what->born);
        break;
    case ALLOCATED:
        change(place, what->size);
        place->all += what->size;
        place->blocks++;
        place->held++;
        break;
    default:
        change(place, -(__int128)what->size);
        place->held--;
        place->lived += (__int128)what->t_ns - what->born;
        return;
    }
    if (place->live > place->own) {
        place->own = place->live;
        place->own_held = place->held;
    }
    if (total > peak) {
        peak = total;
        peak_ns = what->t_ns;
        peaks++;
    }
}

static void begin(struct cursor *told)
{
    lifetimes_begin(told, take);
    count = take_number(told);
    if (!count || count > groups)
        wire_failed(EPROTO);
    place_of = take_u32s(told, groups + 1);
    for (uint64_t group = 0; group <= groups; group++)
        if (place_of[group] >= count)
            wire_failed(EPROTO);
    places = must_have(count, sizeof *places);
    seen = must_have(count, sizeof *seen);
}

static void finish(void)
{
    lifetimes_finish();
    const __int128 result[] = {peak, peak_ns, end};
    wire_say(ROWS_RESULT, result, sizeof result);
    for (uint64_t i = 0; i < count; i++)
        changing(i);
    for (uint64_t i = 0; i < count; i += TOGETHER) {
        uint64_t some = count - i < TOGETHER ? count - i : TOGETHER;
        wire_say(ROWS_RESULT, &places[i], some * sizeof *places);
    }
}

const struct mode mode_places = {
    .name = "places",
    .columns = LIFETIMES,
    .begin = begin,
    .chunk = lifetimes_chunk,
    .finish = finish,
};
