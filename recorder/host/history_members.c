/* history_members.c - handing out what tells of all events of a group (history_members.h). */
#include "history_inside.h"

void write_members(struct history *h)
{
    struct row {
        uint32_t id, maker[MAKERS], unused;
        uint64_t sized, least, most, nulls, known, grew, shrank;
    } rows[ROWS_TOLD];
    size_t count = 0;
    for (uint32_t index = 0; index < h->group_count; index++) {
        const struct members *m = &h->groups[index].members;
        struct row *row = &rows[count++];
        *row = (struct row){.id = index + 1,
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
            put_record(h, HISTORY_MEMBERS, rows, count * sizeof *rows);
            count = 0;
        }
    }
}
