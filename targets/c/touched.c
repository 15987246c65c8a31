/* touched.c - half a gigabyte asked for, and every page written.
 *
 * Idea:     the same mmap as untouched.c; the memory comes later, one fault a page.
 * Do:       make run-touched
 * Expect:   user malloc(536870909) 1 ; user by malloc mmap 1 ; leaked user 1 536870909 ; exit 0 ;
 *           resident 536870912+
 * Look for: 131072 page faults that no syscall shows.
 */
#include <stdlib.h>

int main(void)
{
    size_t size = 536870909; /* the largest prime below 512 MiB */
    char *block = malloc(size);

    if (!block)
        return 1;
    for (size_t i = 0; i < size; i += 4096)
        block[i] = 1;
    return 0;
}
