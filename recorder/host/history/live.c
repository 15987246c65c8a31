/* history/live.c - bytes by group and time: live, peak, temporary. Bytes are those asked for. A
 * peak is of the whole run, or of one program of one process: as long as there is one program only,
 * its peak is that of the run, and nothing is done for it. A child's copies of its parent's blocks
 * are not counted.
 *
 * What each group held at the peak is known without looking at all groups at every new peak:
 * a group notes what it holds when it is about to change, if there was a peak since its last
 * change. */
#include "inside.h"

#define MOST ((wide)1 << 96) /* no more is counted of one call, so that sums stay sums */

/* ---- of each program of each process: out of line, for most runs have one program only, and would
 * pay for it in registers ---- */

/* A second program begins: what the run has come to by now is the first one's. */
static void tell_apart(struct history *h)
{
    struct image *first = &h->images[0];
    first->live = h->live;
    first->peak = h->peak.bytes;
    first->seq = h->peak.seq;
    first->t_ns = h->peak.t_ns;
    first->phase = h->peak.phase;
    first->number = h->peak.number;
    for (uint32_t at = 0; at < h->group_count; at++) {
        h->groups[at].image_stamp = h->groups[at].stamp;
        h->groups[at].at_image_peak = h->groups[at].at_peak;
    }
}

/* The place of what `p` runs now in `images`, plus 1; 0: no memory. */
uint32_t image_of(struct history *h, struct process *p)
{
    if (p->own ||
        grow(h, (void **)&h->images, &h->image_room, h->image_count + 1, sizeof *h->images))
        return p->own;
    if (h->image_count == 1)
        tell_apart(h);
    h->images[h->image_count] = (struct image){.pid = p->pid, .index = p->image};
    return p->own = ++h->image_count;
}

/* The group is about to hold so many bytes more. */
static __attribute__((noinline)) void change_of_image(struct history *h, struct group *group,
                                                      wide bytes)
{
    struct image *image = &h->images[group->image - 1];
    if (group->image_stamp != image->number) {
        group->image_stamp = image->number;
        group->at_image_peak = group->live;
    }
    image->live += bytes;
}

/* What is live has grown by event `seq` of the group. */
static __attribute__((noinline)) void look_up_image(struct history *h, const struct group *group,
                                                    uint64_t seq, uint64_t t_ns)
{
    struct image *image = &h->images[group->image - 1];
    if (image->live <= image->peak)
        return;
    image->peak = image->live;
    image->seq = seq;
    image->t_ns = t_ns;
    image->phase = group->key.phase;
    image->number++;
}

/* ---- of the run ---- */

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
    for (uint32_t index = p->groups; index < h->group_count; index++) {
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

/* ---- what is told at the end ---- */

static int64_t bounded(wide value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void write_images(struct history *h)
{
    struct spool_peak rows[128];
    size_t count = 0;
    for (uint32_t at = 0; at < h->image_count; at++) {
        const struct image *i = &h->images[at];
        if (i->number)
            rows[count++] =
                (struct spool_peak){i->pid, i->phase, i->index, bounded(i->peak), i->seq, i->t_ns};
        if (count == 128 || (count && at + 1 == h->image_count)) {
            put_record(h, SPOOL_PEAKS, rows, count * sizeof *rows);
            count = 0;
        }
    }
}

static void write_groups_at_peak(struct history *h)
{
    struct spool_at_peak rows[256];
    size_t count = 0;
    for (uint32_t at = 0; at < h->group_count; at++) {
        const struct group *g = &h->groups[at];
        int has_changed = g->image_stamp == h->images[g->image - 1].number;
        wide bytes = has_changed ? g->at_image_peak : g->live;
        if (bytes)
            rows[count++] = (struct spool_at_peak){at + 1, bounded(bytes)};
        if (count == 256 || (count && at + 1 == h->group_count)) {
            put_record(h, SPOOL_AT_PEAK, rows, count * sizeof *rows);
            count = 0;
        }
    }
}

void write_peaks(struct history *h)
{
    if (h->image_count == 1)
        tell_apart(h);
    write_images(h);
    write_groups_at_peak(h);
}
