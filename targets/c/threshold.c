/* threshold.c - the line between heap and mapping moves.
 *
 * Idea:     freeing a mapped block teaches malloc to keep such sizes on the heap from then on.
 * Do:       make run-threshold
 * Expect:   user malloc(200003) 2 free 2 ; user by malloc mmap 1 brk 3 ; user by free munmap 1 ; exit 0
 * Look for: mmap under the first malloc of 200003 bytes, brk under the second.
 */
#include <stdlib.h>

int main(void)
{
    for (int i = 0; i < 2; i++) {
        void *block = malloc(200003); /* above 128 KiB, the threshold at the start */
        if (!block)
            return 1;
        free(block);
    }
    return 0;
}
