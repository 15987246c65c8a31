/* history/known.c - the processes that are known, and room for more of anything. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

/* Room for `count` things of `size` bytes; -1: no memory. New room is zeroed. */
int grow(struct history *h, void **array, uint32_t *room, uint32_t count, size_t size)
{
    if (count <= *room)
        return 0;
    uint32_t wanted = *room ? *room : 16;
    while (wanted < count)
        wanted *= 2;
    void *larger = realloc(*array, wanted * size);
    if (!larger) {
        h->failed = 1;
        return -1;
    }
    memory_soon((char *)larger + *room * size, (wanted - *room) * size);
    memset((char *)larger + *room * size, 0, (wanted - *room) * size);
    *array = larger;
    *room = wanted;
    return 0;
}

/* The process of that number, made where it was not known. NULL: no memory, or far too many. */
struct process *process_of(struct history *h, uint32_t pid)
{
    if (h->last_process < h->process_count && h->processes[h->last_process].pid == pid &&
        !h->processes[h->last_process].is_gone)
        return &h->processes[h->last_process];
    for (uint32_t index = h->process_count; index; index--)
        if (h->processes[index - 1].pid == pid && !h->processes[index - 1].is_gone) {
            h->last_process = index - 1;
            return &h->processes[index - 1];
        }
    if (h->process_count >= MAX_PROCESSES) {
        h->unmatched[BEYOND_LIMIT]++;
        return NULL;
    }
    if (grow(h, (void **)&h->processes, &h->process_room, h->process_count + 1,
             sizeof *h->processes))
        return NULL;
    h->last_process = h->process_count++;
    struct process *p = &h->processes[h->last_process];
    *p = (struct process){
        .pid = pid, .brk = HISTORY_UNKNOWN, .begun_phase = -1, .groups = h->group_count};
    return p;
}
