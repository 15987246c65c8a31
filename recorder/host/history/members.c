/* history/members.c - handing out what tells of all events of a group (history/members.h). */
#include "inside.h"

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
