/* history/groups.c - which events are alike, and the sums of those that are. */
#include "inside.h"

#include <string.h>

static int is_like(const struct group_key *a, const struct group_key *b)
{
    return a->name == b->name && a->stack == b->stack && a->within == b->within &&
           a->phase == b->phase && a->image == b->image && a->process == b->process &&
           a->pid == b->pid && a->region == b->region;
}

static int is_same_group(const void *groups, uint32_t number, const void *wanted)
{
    return is_like(&((const struct group *)groups + number - 1)->key, wanted);
}

static uint64_t key_hash(const struct group_key *key)
{
    uint64_t hash = mixed((uint64_t)(uint32_t)key->stack << 32 | key->within);
    hash = mixed(hash + ((uint64_t)key->name << 32 | key->process));
    hash = mixed(hash + (key->image << 2 | key->phase));
    return key->region ? mixed(hash + key->region) : hash;
}

static uint32_t new_group(struct history *h, const struct group_key *key, uint64_t t_ns)
{
    if (h->group_count >= UINT32_MAX / 2 ||
        grow(h, (void **)&h->groups, &h->group_room, h->group_count + 1, sizeof *h->groups) ||
        grow(h, (void **)&h->stages.changed, &h->stages.changed_room, (h->group_count + 1) / 64 + 1,
             sizeof *h->stages.changed))
        return 0;
    uint32_t image = image_of(h, &h->processes[key->process]);
    if (!image)
        return 0;
    uint32_t number = ++h->group_count;
    h->groups[number - 1] = (struct group){
        .key = *key, .image = image, .first_seq = h->events, .first_t = t_ns, .first_before = NONE};
    h->failed |= index_add(&h->group_index, key_hash(key), number) != 0;
    return number;
}

/* The number of the group of `key`, from 1; `frame` remembers it for the next time. */
uint32_t group_of(struct history *h, const struct group_key *key, uint64_t t_ns,
                  struct frame_node *frame)
{
    if (frame && frame->hint && is_like(&h->groups[frame->hint - 1].key, key))
        return frame->hint;
    uint32_t number = index_find(&h->group_index, h->groups, key_hash(key), is_same_group, key);
    if (!number)
        number = new_group(h, key, t_ns);
    if (frame)
        frame->hint = number;
    return number;
}

/* What tells groups apart, and where each began: a reader needs no more to name an event. */
void write_groups(struct history *h)
{
    struct spool_group rows[ROWS_TOLD];
    while (h->groups_written < h->group_count) {
        size_t count = 0;
        while (count < ROWS_TOLD && h->groups_written < h->group_count) {
            const struct group *g = &h->groups[h->groups_written++];
            uint32_t phase = g->key.phase | g->key.region << PHASE_BITS;
            rows[count++] = (struct spool_group){
                h->groups_written, g->key.name,  g->key.pid,   phase,      g->key.within,
                g->key.stack,      g->key.image, g->first_seq, g->first_t, g->first_before};
        }
        put_record(h, SPOOL_GROUPS, rows, count * sizeof *rows);
    }
}

static int64_t clamped(wide value)
{
    return value > INT64_MAX ? INT64_MAX : value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

/* Changes whenever the sums do: it grows with each beginning and end of a call, and of a block. The
 * last bit says where the bytes at the peak come from. */
static uint64_t state_of(const struct history *h, const struct group *g)
{
    uint64_t calls = 2 * g->count - g->unfinished + g->reached;
    uint64_t blocks = 2 * g->allocations - g->live_blocks;
    return 2 * (calls + blocks) + (g->stamp == h->peak.number);
}

void write_sums(struct history *h, int only_changed)
{
    struct spool_sum rows[ROWS_TOLD];
    size_t count = 0;
    for (uint32_t index = 0; index < h->group_count; index++) {
        struct group *g = &h->groups[index];
        int is_known = only_changed && g->told == state_of(h, g);
        g->told = state_of(h, g);
        wide at_peak = g->stamp == h->peak.number ? g->at_peak : g->live;
        if (!is_known)
            rows[count++] = (struct spool_sum){
                index + 1,        g->count,          g->failed,           g->unfinished,
                g->reached,       clamped(g->bytes), g->allocations,      clamped(g->allocated),
                g->live_blocks,   clamped(g->live),  g->temporary_blocks, clamped(g->temporary),
                clamped(at_peak),
            };
        if (count == ROWS_TOLD || (count && index + 1 == h->group_count)) {
            put_record(h, SPOOL_SUMS, rows, count * sizeof *rows);
            count = 0;
        }
    }
}

void write_members(struct history *h)
{
    struct spool_members rows[ROWS_TOLD];
    size_t count = 0;
    for (uint32_t index = 0; index < h->group_count; index++) {
        const struct members *m = &h->groups[index].members;
        struct spool_members *row = &rows[count++];
        *row = (struct spool_members){.group = index + 1,
                                      .sized = m->sized,
                                      .least = m->least,
                                      .most = m->most,
                                      .nulls = m->nulls,
                                      .known = m->known,
                                      .grew = m->grew,
                                      .shrank = m->shrank};
        for (unsigned at = 0; at < MAKERS; at++)
            row->maker[at] = m->maker[at];
        if (count == ROWS_TOLD || index + 1 == h->group_count) {
            put_record(h, SPOOL_MEMBERS, rows, count * sizeof *rows);
            count = 0;
        }
    }
}
