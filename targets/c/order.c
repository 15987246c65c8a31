/* order.c - before main and after it.
 *
 * Idea:     a program's own code runs in three phases: constructors, main, exit handlers.
 * Do:       make run-order
 * Expect:   phase init user malloc(1009) 1 ; phase main user malloc(1013) 1 ;
 *           phase exit user malloc(1019) 1 malloc(1021) 1 ; leaked user 4 4062 ; exit 0
 * Look for: one block in each phase, and two in the last: atexit first, then the destructor.
 */
#include <stdlib.h>

void *block[4];

__attribute__((constructor)) static void constructor(void)
{
    block[0] = malloc(1009);
}

__attribute__((destructor)) static void destructor(void)
{
    block[2] = malloc(1019);
}

static void at_exit(void)
{
    block[3] = malloc(1021);
}

int main(void)
{
    block[1] = malloc(1013);
    return atexit(at_exit) || !block[0] || !block[1];
}
