/* grow.h - lists that grow. */
#ifndef RECORDER_GROW_H
#define RECORDER_GROW_H

#include <stdlib.h>

/* `list`, of `count` items of `each` bytes with room for *`room`, with room for one more: from
 * `first` items on the room doubles. NULL: no memory, and all is as it was. */
static inline void *with_room_for_one(void *list, size_t count, size_t *room, size_t first,
                                      size_t each)
{
    if (count < *room)
        return list;
    size_t more = *room ? 2 * *room : first;
    void *grown = realloc(list, more * each);
    if (grown != NULL)
        *room = more;
    return grown;
}

#endif
