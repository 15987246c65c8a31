/* resolver.c - an IFUNC resolver: the user's code, before any initialiser.
 *
 * Idea:     the loader asks the program which of several functions to use, while it relocates it.
 * Do:       make run-resolver
 * Expect:   phase load user malloc(1013) 1 mmap 1 ; phase main user free 1 ; leaked user 0 ;
 *           phase load user purpose "room for the heap" 1 ; exit 0
 * Look for: malloc in the phase load, by mmap: libc's brk is not ready yet.
 */
#include <stdlib.h>

static void *kept;

static int one(void)
{
    return 1;
}

static int (*pick(void))(void)
{
    kept = malloc(1013);
    return one;
}

int chosen(void) __attribute__((ifunc("pick")));

int main(void)
{
    free(kept);
    return chosen() - 1;
}
