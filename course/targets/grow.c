#include <stdlib.h>

#define COUNT 100000
#ifndef ROOM
#define ROOM 4
#endif

int main(void)
{
    size_t room = ROOM, used = 0;
    int *list = malloc(room * sizeof *list);

    while (used < COUNT) {
        if (used == room) {
            room = room * 2;
            list = realloc(list, room * sizeof *list);
        }
        list[used] = 1;
        used++;
    }
    free(list);
    return 0;
}
