/* stdio.c - the first line printed.
 *
 * Idea:     printf is the subject: stdio allocates a buffer when the first byte is written.
 * Do:       make run-stdio
 * Expect:   user malloc 1 ; user direct none ; user purpose "stdout's buffer" 1 ; exit 0
 * Look for: 1024 bytes on a terminal, 4096 into a file or pipe; nobody frees it.
 */
#include <stdio.h>

int main(void)
{
    printf("one line\n");
    printf("and another, from the same buffer\n");
    return 0;
}
