/* mallinfo.c - malloc's own books.
 *
 * Idea:     mallinfo2 knows how much is in use: a witness for the live bytes of a trace.
 * Do:       make run-mallinfo
 * Expect:   user malloc(1009) 1 malloc(2003) 1 malloc(4001) 1 calloc(7x11) 1 ;
 *           leaked user 4 7090 ; exit 0
 * Look for: the number that it prints: bytes in use since main began, headers and rounding included.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    char line[32]; /* on the stack: a printf would allocate */
    size_t before, after;

    free(malloc(1)); /* the first call also allocates malloc's own tables */
    before = mallinfo2().uordblks;
    void *blocks[] = {malloc(1009), malloc(2003), malloc(4001), calloc(7, 11)};
    after = mallinfo2().uordblks;
    int length = snprintf(line, sizeof line, "%zu\n", after - before);
    if (!blocks[0] || !blocks[1] || !blocks[2] || !blocks[3])
        return 1;
    return write(1, line, length) == length ? 0 : 2;
}
