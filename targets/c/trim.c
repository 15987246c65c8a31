/* trim.c - the heap grows, and gives back.
 *
 * Idea:     free hands the top of the heap back to the kernel once 128 KiB are idle there.
 * Do:       make run-trim
 * Expect:   user malloc(100003) 7 free 7 ; user by malloc brk 5+ ; user by free brk 1+ ; exit 0
 * Look for: the negative brk under free, and the frees that only move the top.
 */
#include <stdlib.h>

int main(void)
{
    void *block[7];

    for (int i = 0; i < 7; i++)
        if (!(block[i] = malloc(100003))) /* below 128 KiB: no mapping of its own */
            return 1;
    for (int i = 6; i >= 0; i--)
        free(block[i]);
    return 0;
}
