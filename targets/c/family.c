/* family.c - every entry point of the family, once.
 *
 * Idea:     ten names, one heap; each hands out memory by its own rule, free takes it all back.
 * Do:       make run-family
 * Expect:   user malloc(1009) 1 calloc(3x1013) 1 realloc(2003) 1 reallocarray(5x1019) 1 ;
 *           user aligned_alloc|memalign(4096) 1 posix_memalign(1021) 1 memalign|aligned_alloc(1031) 1 ;
 *           user valloc(1033) 1 pvalloc(1039) 1 free 8 ; leaked user 0 0 ; exit 0
 * Look for: the addresses of the aligned ones; two names for one function, before glibc 2.38.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdlib.h>

int main(void)
{
    void *block[8] = {malloc(1009),
                      calloc(3, 1013),
                      reallocarray(NULL, 5, 1019),
                      aligned_alloc(64, 4096),
                      NULL,
                      memalign(128, 1031),
                      valloc(1033),
                      pvalloc(1039)};
    if (posix_memalign(&block[4], 256, 1021))
        return 1;
    void *grown = realloc(block[0], 2003);
    if (grown)
        block[0] = grown;
    for (int i = 0; i < 8; i++) {
        if (!block[i])
            return 1;
        free(block[i]);
    }
    return 0;
}
