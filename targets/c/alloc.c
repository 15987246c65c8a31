/* alloc.c - one byte.
 *
 * Idea:     the first malloc of a program pays for many: the heap comes in one piece.
 * Do:       make run-alloc
 * Expect:   if hookable: user malloc(1) 1 calls 1 ; if hookable: leaked user 1 1 ;
 *           if glibc dynamic not preloaded: by malloc brk 2 ; exit 0
 * Look for: two brk beneath a malloc of one byte: 132 KiB for the next ones too.
 */
#include <stdlib.h>

int main(void)
{
    return malloc(1) ? 0 : 1; /* allocates enough for 1 byte */
}
