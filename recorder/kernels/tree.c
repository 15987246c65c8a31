/* Passes over the nodes of a tree of stacks: a caller is older than what it called. */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

int64_t leaps(const int32_t *parents, int32_t *found, int64_t count, int64_t leap)
{
    int32_t *once = malloc(count * sizeof *once + 1);
    if (!once)
        return FAILED;
    for (int64_t node = 0; node < count; node++) {
        if (parents[node] >= count) {
            free(once);
            return FAILED;
        }
        found[node] = parents[node] > 0 ? parents[node] : 0;
    }
    for (; leap > 1; leap /= 2) {
        memcpy(once, found, count * sizeof *once);
        for (int64_t node = 0; node < count; node++)
            found[node] = once[once[node]];
    }
    free(once);
    return 0;
}
