/* history_groups.c - which events are alike, and the sums of those that are. */
#include "history_inside.h"

#include <string.h>

static int is_like(const struct group *group, const struct group *key)
{
    return group->name == key->name && group->stack == key->stack &&
           group->within == key->within && group->phase == key->phase &&
           group->image == key->image && group->process == key->process &&
           group->pid == key->pid;
}

static int is_same_group(const void *groups, uint32_t number, const void *wanted)
{
    return is_like((const struct group *)groups + number - 1, wanted);
}

static uint64_t group_hash(const void *groups, uint32_t number)
{
    const struct group *group = (const struct group *)groups + number - 1;
    uint64_t hash = mixed((uint64_t)(uint32_t)group->stack << 32 | group->within);
    hash = mixed(hash + ((uint64_t)group->name << 32 | group->process));
    return mixed(hash + (group->image << 2 | group->phase));
}

/* The number of the group of `key`, from 1; `frame` remembers it for the next time. */
uint32_t group_of(struct history *h, const struct group *key, struct frame_node *frame)
{
    if (frame && frame->hint && is_like(&h->groups[frame->hint - 1], key))
        return frame->hint;
    uint32_t number =
        index_find(&h->group_index, h->groups, group_hash(key, 1), is_same_group, key);
    if (!number) {
        if (h->group_count >= UINT32_MAX / 2 ||
            grow(h, (void **)&h->groups, &h->group_room, h->group_count + 1, sizeof *key))
            return 0;
        number = ++h->group_count;
        h->groups[number - 1] = *key;
        h->groups[number - 1].first_seq = h->events;
        h->groups[number - 1].first_before = NONE;
        h->failed |= index_add(&h->group_index, h->groups, group_hash, number) != 0;
    }
    if (frame)
        frame->hint = number;
    return number;
}

/* What tells groups apart, and where each began: a reader needs no more to name an event. */
void write_groups(struct history *h)
{
    struct row {
        uint32_t id, name, pid, phase;
        uint32_t within;
        int32_t stack;
        uint64_t image, first_seq, first_t, first_before;
    } rows[128];
    while (h->groups_written < h->group_count) {
        size_t count = 0;
        while (count < 128 && h->groups_written < h->group_count) {
            const struct group *g = &h->groups[h->groups_written++];
            rows[count++] =
                (struct row){h->groups_written, g->name,  g->pid,       g->phase,   g->within,
                             g->stack,          g->image, g->first_seq, g->first_t, g->first_before};
        }
        put_record(h, HISTORY_GROUPS, rows, count * sizeof *rows);
    }
}

static int64_t clamped(wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

void write_sums(struct history *h)
{
    struct row {
        uint64_t id, count, failed, unfinished, reached;
        int64_t bytes;
        uint64_t allocations;
        int64_t allocated;
        uint64_t live_blocks;
        int64_t live;
        uint64_t temporary_blocks;
        int64_t temporary, at_peak;
    } rows[64];
    size_t count = 0;
    for (uint32_t index = 0; index < h->group_count; index++) {
        const struct group *g = &h->groups[index];
        wide at_peak = g->stamp == h->peak.number ? g->at_peak : g->live;
        rows[count++] = (struct row){
            index + 1,          g->count,          g->failed,       g->unfinished,
            g->reached,         clamped(g->bytes), g->allocations,  clamped(g->allocated),
            g->live_blocks,     clamped(g->live),  g->temporary_blocks,
            clamped(g->temporary), clamped(at_peak),
        };
        if (count == 64 || index + 1 == h->group_count) {
            put_record(h, HISTORY_SUMS, rows, count * sizeof *rows);
            count = 0;
        }
    }
}
