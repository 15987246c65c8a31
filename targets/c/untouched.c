/* untouched.c - half a gigabyte asked for, never used.
 *
 * Idea:     asking is not having: a page costs memory when it is touched first.
 * Do:       make run-untouched
 * Expect:   user malloc(536870909) 1 ; user by malloc mmap 1 ; leaked user 1 536870909 ; exit 0 ;
 *           resident 0..16777216
 * Look for: resident memory at the end of main, beside touched.c's.
 */
#include <stdlib.h>

int main(void)
{
    return malloc(536870909) ? 0 : 1; /* the largest prime below 512 MiB */
}
