/* history/totals.c - a run of which only sums are kept. A reader believes the latest it was told, so
 * that what is known survives the end of the writer, as events do that are written as they come. */
#include "inside.h"

void history_keep_totals(struct history *h)
{
    h->keeps_totals = 1;
}

/* Whether readers get this event: of totals only the first ones, to see what groups are about. */
int keeps_event(const struct history *h, uint64_t seq)
{
    return !h->keeps_totals || seq < HISTORY_CHUNK;
}

void tell_sums(struct history *h)
{
    h->told = h->events;
    write_nodes(h);
    write_groups(h);
    write_sums(h, 1);
    put_ends(h, 0);
}
