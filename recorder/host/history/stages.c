/* history/stages.c - how many bytes of each group were live at some moments of the run: readers, who
 * know the origin of each group, make a timeline by origin of it.
 *
 * A moment comes every so many events; of each only what changed since the one before is kept. When
 * there are too many of either, every second moment goes: its changes count at the next one.
 */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

static int64_t bounded(wide value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* The end of the changes that belong to one moment. */
static uint32_t end_of(const struct spool_stage *changes, uint32_t from, uint32_t count)
{
    uint32_t at = from;
    while (at < count && changes[at].seq == changes[from].seq)
        at++;
    return at;
}

/* Merge the changes of two moments, both by group: they all count at the second, whose own win. */
static uint32_t merge(struct spool_stage *to, const struct spool_stage *one, uint32_t ones,
                      const struct spool_stage *two, uint32_t twos)
{
    uint32_t count = 0;
    uint64_t seq = two->seq, t_ns = two->t_ns;
    while (ones || twos) {
        int is_first = ones && (!twos || one->group < two->group);
        if (!is_first && ones && one->group == two->group) {
            one++;
            ones--;
        }
        to[count] = is_first ? *one : *two;
        to[count].seq = seq;
        to[count++].t_ns = t_ns;
        one += is_first;
        ones -= (uint32_t)is_first;
        two += !is_first;
        twos -= (uint32_t)!is_first;
    }
    return count;
}

/* Of all but the first every second moment goes. */
static void thin_out(struct history *h)
{
    struct spool_stage *old = h->stages.changes, *new = malloc((h->stages.count + 1) * sizeof *new);
    uint32_t count = h->stages.count, kept = end_of(old, 0, count);
    if (!new) {
        h->failed = 1;
        return;
    }
    memcpy(new, old, kept * sizeof *new);
    h->stages.moments = 1;
    for (uint32_t from = kept, end, next; from < count; from = next) {
        end = end_of(old, from, count);
        next = end < count ? end_of(old, end, count) : end;
        if (next > end)
            kept += merge(new + kept, old + from, end - from, old + end, next - end);
        else /* the last one, by itself */
            memcpy(new + kept, old + from, (end - from) * sizeof *new), kept += end - from;
        h->stages.moments++;
    }
    free(old);
    h->stages.changes = new;
    h->stages.room = h->stages.count + 1;
    h->stages.count = kept;
    h->stages.every *= 2;
}

static void note_change(struct history *h, uint64_t t_ns, uint32_t group, int64_t live)
{
    if (!grow(h, (void **)&h->stages.changes, &h->stages.room, h->stages.count + 1,
              sizeof *h->stages.changes))
        h->stages.changes[h->stages.count++] = (struct spool_stage){h->events, t_ns, group, live};
}

/* What a group holds by now, where that is not what it held at the moment before. */
static void look_at_group(struct history *h, uint64_t t_ns, uint32_t number)
{
    int64_t live = bounded(h->groups[number - 1].live), *known = &h->stages.known[number - 1];
    if (live != *known)
        note_change(h, t_ns, number, live);
    *known = live;
}

/* Group 0 stands for all together: each moment has it. Only those that have changed are looked at: of
 * a compiler's hundred thousand groups few do from one moment to the next. */
static void look_at_groups(struct history *h, uint64_t t_ns)
{
    if (grow(h, (void **)&h->stages.known, &h->stages.known_room, h->group_count,
             sizeof *h->stages.known))
        return;
    note_change(h, t_ns, 0, bounded(h->live));
    for (uint32_t word = 0; h->group_count && word <= h->group_count / 64; word++) {
        for (uint64_t bits = h->stages.changed[word]; bits; bits &= bits - 1)
            look_at_group(h, t_ns, word * 64 + (uint32_t)__builtin_ctzll(bits));
        h->stages.changed[word] = 0;
    }
    h->stages.moments++;
}

/* An event is about to begin, one of those at which the timeline has a point. */
void note_stage(struct history *h, uint64_t t_ns)
{
    if (h->events & (h->stages.every - 1))
        return;
    if (h->stages.moments >= 2 * STAGES || h->stages.count >= MAX_CHANGES)
        thin_out(h);
    if (!(h->events & (h->stages.every - 1)))
        look_at_groups(h, t_ns);
}

void write_stages(struct history *h)
{
    put_rows(h, SPOOL_STAGES, h->stages.changes, sizeof *h->stages.changes, h->stages.count);
}
