/* drain/regions.c - a thread has reached a mark of a region (plant/regions.c). */
#include "records.h"
#include "reader.h"

void region_marked(struct host *h, struct reader *r, const struct hook *hook, uint64_t t_ns,
                   uint64_t name)
{
    r->sp = 0; /* nothing is open there: its return means nothing */
    if (hook->region == REGION_BEGIN)
        history_region_begin(h->history, t_ns, r->pid, r->tid, name);
    else
        history_region_end(h->history, r->pid, r->tid);
}
