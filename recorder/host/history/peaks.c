/* history/peaks.c - the most that was live at once in each program of each process, and what each
 * group held of it. A child's copies of its parent's blocks are not counted.
 *
 * As long as there is one program only, its peak is that of the run, and nothing is done here. */
#include "inside.h"

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
void change_of_image(struct history *h, struct group *group, wide bytes)
{
    struct image *image = &h->images[group->image - 1];
    if (group->image_stamp != image->number) {
        group->image_stamp = image->number;
        group->at_image_peak = group->live;
    }
    image->live += bytes;
}

/* What is live has grown by event `seq` of the group. */
void look_up_image(struct history *h, const struct group *group, uint64_t seq, uint64_t t_ns)
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
