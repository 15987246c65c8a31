/* crash.c - a program that dies of its own mistake.
 *
 * Idea:     a trace tells the truth up to the last instruction.
 * Do:       make run-crash
 * Expect:   user malloc(1009) 1 ; leaked user 1 1009 ; signalled SIGSEGV
 * Look for: the block that was live when it died.
 */
#include <stdlib.h>

int main(void)
{
    int *volatile nothing = NULL;

    if (!malloc(1009))
        return 1;
    *nothing = 1;
    return 0;
}
