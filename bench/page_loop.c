/* Allocates from some hundred places in a loop, to be recorded: page_loop PAIRS. */
#include <stdlib.h>

enum { KEPT = 997, PLACES = 8 };
static void *kept[KEPT];

static void *leaf(long number, size_t size)
{
    return number % 5003 ? malloc(size) : malloc(200003 + size);
}

#define LAYER(name, below)                                                                         \
    static void *name(long number, size_t size)                                                    \
    {                                                                                              \
        switch (number % PLACES) {                                                                 \
        case 0:                                                                                    \
            return below(number / PLACES, size + 1);                                               \
        case 1:                                                                                    \
            return below(number / PLACES, size + 2);                                               \
        case 2:                                                                                    \
            return below(number / PLACES, size + 3);                                               \
        case 3:                                                                                    \
            return below(number / PLACES, size + 5);                                               \
        case 4:                                                                                    \
            return below(number / PLACES, size + 7);                                               \
        default:                                                                                   \
            return below(number / PLACES, size + 11);                                              \
        }                                                                                          \
    }

LAYER(inner, leaf)
LAYER(middle, inner)
LAYER(outer, middle)

int main(int count, char **words)
{
    long pairs = count > 1 ? atol(words[1]) : 1000;
    for (long number = 0; number < pairs; number++) {
        long at = number * 7919 % KEPT;
        free(kept[at]);
        kept[at] = outer(number, 16 + (size_t)(number % 4001));
    }
    return 0;
}
