/* list.c - a list of numbers. */
#include "parts.h"
#include <stdlib.h>

struct list *list_of(int count)
{
    struct list *first = NULL;
    for (int i = 0; i < count; i++) {
        struct list *one = malloc(sizeof *one);
        if (!one)
            abort();
        *one = (struct list){first, i};
        first = one;
    }
    return first;
}
