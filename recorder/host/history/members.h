/* history/members.h - what is true of each event of a group.
 *
 * Events of a group differ in time, size and address. Who says something of all of them that rests
 * on their sizes, or on what their blocks were, must know that it holds for each: for that the limits
 * of sizes are kept, and the groups of which the blocks were.
 */
#ifndef BRKPOINT_HISTORY_MEMBERS_H
#define BRKPOINT_HISTORY_MEMBERS_H

#include "types.h"

#define MOVED_BASE (UINT64_C(1) << 63) /* brk's sizes have signs: they are told from here on */

static inline void members_size(struct members *m, uint64_t size)
{
    if (m->sized++ == 0)
        m->least = m->most = size;
    else if (size < m->least)
        m->least = size;
    else if (size > m->most)
        m->most = size;
}

static inline void members_shape(struct members *m, const struct shape *shape)
{
    if (shape->present & HAS_SIZE)
        members_size(m, shape->size);
    if ((shape->present & HAS_PTR) && !shape->ptr)
        m->nulls++;
}

/* An event of group `number` ends or moves `block`. One that the group itself moved before is what
 * it was then. */
static inline void members_block(struct history *h, uint32_t number, const struct block *block)
{
    struct members *m = &h->groups[number - 1].members;
    m->known++;
    if (block->group == number)
        return;
    for (unsigned at = 0; block->group && at < MAKERS; at++) {
        if (m->maker[at] == 0)
            m->maker[at] = block->group;
        if (m->maker[at] == block->group)
            return;
    }
    m->maker[MAKERS - 1] = MANY_MAKERS;
}

/* `asked`: for `block`, which had `block->size`. */
static inline void members_moved(struct members *m, const struct block *block, uint64_t asked)
{
    m->grew += asked > block->size;
    m->shrank += asked < block->size;
}

void write_members(struct history *h);

#endif
