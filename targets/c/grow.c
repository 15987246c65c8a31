/* grow.c - an array that doubles.
 *
 * Idea:     realloc grows in place while the chunk borders on the top, then moves to its own mapping.
 * Do:       make run-grow
 * Expect:   if hookable: user malloc(32) 1 realloc 24 free 1 ; if hookable: leaked user 0 0 ;
 *           if glibc hookable: by realloc mremap 11 ; if glibc: mremap 11 munmap 1+ ; exit 0
 * Look for: the pointer that stays the same up to 131072 bytes, and changes at 262144.
 */
#include <stdlib.h>

__attribute__((noinline)) static size_t actual_code(void)
{
    size_t capacity = 4, sum = 0;
    size_t *array = malloc(capacity * sizeof *array);

    for (size_t i = 0; array && i < 50 * 1024 * 1024; i++) {
        if (i == capacity) {
            capacity *= 2;
            size_t *grown = realloc(array, capacity * sizeof *array);
            if (!grown)
                break;
            array = grown;
        }
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
