/* abort.c - a program that gives up.
 *
 * Idea:     abort runs no exit handler: what was live stays live.
 * Do:       make run-abort
 * Expect:   user malloc(1009) 1 free 0 ; phase exit none ; leaked user 1 1009 ; signalled SIGABRT
 * Look for: a run without the phase exit.
 */
#include <stdlib.h>

__attribute__((destructor)) static void never(void)
{
    free(malloc(1013));
}

int main(void)
{
    if (malloc(1009))
        abort();
    return 1;
}
