/* _exit.c - leaving by the back door.
 *
 * Idea:     _exit runs no exit handler, exit does: compare exit.c.
 * Do:       make run-_exit
 * Expect:   user malloc(1009) 1 malloc(1013) 0 free 0 ; leaked user 1 1009 ; exit 7
 * Look for: the destructor that never ran.
 */
#include <stdlib.h>
#include <unistd.h>

__attribute__((destructor)) static void never(void)
{
    free(malloc(1013));
}

int main(void)
{
    if (malloc(1009))
        _exit(7);
    return 1;
}
