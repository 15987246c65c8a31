/* history/live.c - bytes by group and time: live, peak, temporary. Bytes are those asked for. A
 * peak is of the whole run, or of one program of one process (history/peaks.c).
 *
 * What each group held at the peak is known without looking at all groups at every new peak:
 * a group notes what it holds when it is about to change, if there was a peak since its last
 * change. */
#include "inside.h"

#define MOST ((wide)1 << 96) /* no more is counted of one call, so that sums stay sums */

wide bytes_asked(const struct shape *shape)
{
    wide bytes;
    if (!(shape->present & HAS_SIZE))
        return 0;
    if (!(shape->present & HAS_NMEMB))
        return (wide)shape->size;
    return __builtin_mul_overflow((wide)shape->size, (wide)shape->nmemb, &bytes) || bytes > MOST
               ? MOST
               : bytes;
}

static inline void change(struct history *h, uint32_t number, int blocks, wide bytes)
{
    struct group *group = &h->groups[number - 1];
    h->stages.changed[number / 64] |= UINT64_C(1) << number % 64;
    if (group->stamp != h->peak.number) {
        group->stamp = h->peak.number;
        group->at_peak = group->live;
    }
    if (h->image_count > 1)
        change_of_image(h, group, bytes);
    group->live_blocks += (uint64_t)blocks;
    group->live += bytes;
    h->live += bytes;
    must(group->live >= 0 && h->live >= group->live && (int64_t)group->live_blocks >= 0,
         "only what was live is taken from what is live");
}

/* Take a block out of the live bytes; 0: it was not counted. */
static int drop(struct history *h, struct block *block)
{
    if (!block->group)
        return 0;
    must(block->group <= h->group_count, "a block that is counted is of a group that there is");
    change(h, block->group, -1, -(wide)block->counted);
    return 1;
}

static void note_peak(struct history *h, const struct group *group, uint64_t seq, uint64_t t_ns)
{
    h->peak.bytes = h->live;
    h->peak.seq = seq;
    h->peak.t_ns = t_ns;
    h->peak.phase = group->key.phase;
    h->peak.number++;
}

/* Count `block` as live bytes of the group. */
static inline void add(struct history *h, struct thread *t, uint32_t number, struct block *block,
                       wide bytes)
{
    struct group *group = &h->groups[number - 1];
    block->group = number;
    block->thread = (uint32_t)(t - h->threads) + 1;
    block->counted = bytes > (wide)UINT64_MAX ? UINT64_MAX : (uint64_t)bytes;
    change(h, number, 1, block->counted);
    group->allocations++;
    group->allocated += bytes;
}

/* What is live has grown by event `seq` of the group. */
static inline void look_up(struct history *h, uint32_t number, uint64_t seq, uint64_t t_ns)
{
    const struct group *group = &h->groups[number - 1];
    if (h->live > h->peak.bytes)
        note_peak(h, group, seq, t_ns);
    if (h->image_count > 1)
        look_up_image(h, group, seq, t_ns);
    struct point *point = &h->timeline.points[h->timeline.count - 1];
    if (h->timeline.count && h->live > point->highest)
        point->highest = h->live;
}

/* `call` handed out or resized `block`. */
void live_allocate(struct history *h, struct thread *t, struct call *call, struct block *block)
{
    int has_grown = drop(h, block);
    add(h, t, call->group, block, bytes_asked(&call->shape));
    t->latest = has_grown ? 0 : block->number;
    look_up(h, call->group, call->seq, call->t);
}

/* The nested `call` resized `block`, which stays its maker's: nested calls are not counted again. */
void live_resize(struct history *h, const struct call *call, struct block *block)
{
    if (!block->group)
        return;
    wide bytes = bytes_asked(&call->shape);
    uint64_t counted = bytes > (wide)UINT64_MAX ? UINT64_MAX : (uint64_t)bytes;
    change(h, block->group, 0, (wide)counted - (wide)block->counted);
    block->counted = counted;
    look_up(h, call->group, call->seq, call->t);
}

/* A call of the group handed out the new `block`. */
void live_new(struct history *h, struct thread *t, uint32_t group, struct block *block,
              uint64_t t_ns)
{
    add(h, t, group, block, block->size);
    t->latest = block->number;
    look_up(h, group, block->seq, t_ns);
}

/* A call ended `block`. Temporary: its thread made no other allocation since. It may be kept all the same,
 * where the call never returns (block_abandon): counted no more. */
void live_free(struct history *h, struct block *block)
{
    if (!drop(h, block))
        return;
    struct group *group = &h->groups[block->group - 1];
    block->group = 0;
    if (block->thread && h->threads[block->thread - 1].latest == block->number) {
        group->temporary_blocks++;
        group->temporary += block->counted;
    }
}

/* exec: all memory of the process is gone, and nothing of it leaked. */
void live_end(struct history *h, struct process *p)
{
    uint32_t process = (uint32_t)(p - h->processes);
    for (uint32_t index = 0; index < h->group_count; index++) {
        const struct group *group = &h->groups[index];
        if (group->key.process == process && group->live_blocks)
            change(h, index + 1, -(int)group->live_blocks, -group->live);
    }
}

/* Half as many points, each for twice as many events. */
static void thin_out(struct history *h)
{
    struct point *points = h->timeline.points;
    for (unsigned index = 0; index < TIMELINE; index++) {
        struct point second = points[2 * index + 1];
        points[index] = points[2 * index];
        if (second.highest > points[index].highest)
            points[index].highest = second.highest;
    }
    h->timeline.count = TIMELINE;
    h->timeline.every *= 2;
}

/* One more event: the timeline has a point every so many. */
void live_tick(struct history *h, uint64_t t_ns)
{
    if (h->events & (h->timeline.every - 1))
        return;
    if (h->timeline.count == 2 * TIMELINE)
        thin_out(h);
    if (!(h->events & (h->timeline.every - 1)))
        h->timeline.points[h->timeline.count++] = (struct point){h->events, t_ns, h->live, h->live};
    note_stage(h, t_ns);
}
