/* exit.c - leaving from deep inside.
 *
 * Idea:     exit ends main without returning from it, and runs the exit handlers.
 * Do:       make run-exit
 * Expect:   phase main user malloc(1009) 1 ; phase exit user malloc(1013) 1 free 2 ;
 *           leaked user 0 0 ; exit 5
 * Look for: the phase exit that begins inside a function of main.
 */
#include <stdlib.h>

static void *block;

__attribute__((destructor)) static void last(void)
{
    free(malloc(1013));
    free(block);
}

static void deep(void)
{
    exit(block ? 5 : 1);
}

int main(void)
{
    block = malloc(1009);
    deep();
    return 2;
}
