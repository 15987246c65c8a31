/* edges.c - the edges of the family.
 *
 * Idea:     no block comes of these: a NULL freed, a product that overflows, a size too large,
 *           an alignment that is none, a realloc to nothing.
 * Do:       make run-edges
 * Expect:   user failed malloc 1 calloc 1 reallocarray 1 posix_memalign 1 ; user free(NULL) 1 ;
 *           user realloc(1009) 1 realloc(0) 1 ; leaked user 0 0 ; exit 0
 * Look for: four calls that fail and reach no kernel or get no from it.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>

int main(void)
{
    volatile size_t huge = SIZE_MAX / 2 + 2; /* volatile: gcc would warn, and fold */
    void *unset = NULL;

    free(NULL);
    if (malloc(huge) || calloc(huge, 3) || reallocarray(NULL, huge, 5))
        return 1;
    if (!posix_memalign(&unset, 3, 1013)) /* EINVAL: 3 is no power of two */
        return 2;
    void *block = realloc(NULL, 1009); /* a malloc by another name */
    if (!block)
        return 3;
    return realloc(block, 0) ? 4 : 0; /* glibc frees and answers NULL */
}
