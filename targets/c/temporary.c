/* temporary.c - blocks that live for a moment.
 *
 * Idea:     a block freed before its thread's next allocation could have been on the stack.
 * Do:       make run-temporary
 * Expect:   user malloc(1009) 13 malloc(1013) 1 free 14 ; temporary user 14 ; leaked user 0 0 ; exit 0
 * Look for: 14 temporary blocks, and one address for the thirteen of the loop.
 */
#include <stdlib.h>

int main(void)
{
    void *block;

    /* gcc would delete these pairs at -O1: build.mk uses -O0 -fno-builtin */
    for (int i = 0; i < 13; i++) {
        if (!(block = malloc(1009)))
            return 1;
        free(block);
    }
    if (!(block = malloc(1013)))
        return 2;
    free(block);
    return 0;
}
