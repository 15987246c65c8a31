/* leak.c - what nobody freed.
 *
 * Idea:     a leak is a block that is live at the end; the sum says how much, the site says where.
 * Do:       make run-leak
 * Expect:   user malloc(1009) 1 malloc(1013) 1 malloc(1019) 1 free 1 ; leaked user 2 2028 ; exit 0
 * Look for: 1009 and 1019 at the end; 1013 was freed.
 */
#include <stdlib.h>

int main(void)
{
    void *one = malloc(1009), *two = malloc(1013), *three = malloc(1019);

    free(two);
    return one && two && three ? 0 : 1;
}
