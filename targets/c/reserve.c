/* reserve.c - the array of grow.c, with its room asked for at once.
 *
 * Idea:     one malloc in place of twenty-five calls; one mmap in place of an mmap and eleven mremap.
 * Do:       make run-reserve
 * Expect:   user malloc(419430400) 1 realloc 0 free 1 ; mremap 0 ; leaked user 0 0 ; exit 0
 * Look for: the same sum for one mapping: nothing was ever moved.
 */
#include <stdlib.h>

__attribute__((noinline)) static size_t actual_code(void)
{
    size_t capacity = 50 * 1024 * 1024, sum = 0;
    size_t *array = malloc(capacity * sizeof *array);

    for (size_t i = 0; array && i < capacity; i++) {
        array[i] = i;
        sum += array[i];
    }
    free(array);
    return sum;
}

int main(void)
{
    return actual_code() == 1374389508505600 ? 0 : 1; /* 0 + 1 + ... + 52428799 */
}
