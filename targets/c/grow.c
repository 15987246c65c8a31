/* grow.c - an array that doubles.
 *
 * Idea:     realloc grows in place while the chunk borders on the top, then moves to its own mapping.
 * Do:       make run-grow
 * Expect:   if hookable: user malloc(32) 1 free 1 ; if hookable: leaked user 0 0 ; exit 0 ;
 *           if hookable not few: user realloc 24 ; if hookable few: user realloc 17 ;
 *           if glibc hookable not few: by realloc mremap 11 ; if glibc not few: mremap 11 munmap 1+ ;
 *           if glibc hookable few: by realloc mremap 4 ; if glibc few: mremap 4 munmap 1+
 * Look for: the pointer that stays the same up to 131072 bytes, and changes at 262144.
 */
#include <stdlib.h>
#ifndef COUNT /* its builds in other ways have fewer */
#define COUNT (50UL * 1024 * 1024)
#endif

__attribute__((noinline)) static size_t actual_code(void)
{
    size_t capacity = 4, sum = 0;
    size_t *array = malloc(capacity * sizeof *array);

    for (size_t i = 0; array && i < COUNT; i++) {
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
    return actual_code() == COUNT * (COUNT - 1) / 2 ? 0 : 1; /* 0 + 1 + ... */
}
