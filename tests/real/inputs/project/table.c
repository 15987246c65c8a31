/* table.c - sums. */
#include "parts.h"
#include <stddef.h>

int table_sum(const struct list *list)
{
    int sum = 0;
    for (; list != NULL; list = list->next)
        sum += list->number;
    return sum;
}
