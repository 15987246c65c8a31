/* longjmp.c - a malloc that never returns.
 *
 * Idea:     a call can be left by longjmp; its caller never sees an answer.
 * Do:       make run-longjmp
 * Expect:   user malloc(1009) 1 malloc(1013) 1 malloc(1019) 1 ; unfinished 1 ; exit 0
 * Look for: the call of 1013 bytes without a result, and the next one beside it, not inside it.
 */
#include <setjmp.h>
#include <stdlib.h>

static jmp_buf no_memory;
static char arena[4096];

void *malloc(size_t size) /* the program's own, small and with a temper */
{
    static size_t used;

    if (size == 1013)
        longjmp(no_memory, 1);
    used += (size + 15) & ~(size_t)15;
    return used <= sizeof arena ? arena + sizeof arena - used : NULL;
}

int main(void)
{
    void *volatile first = malloc(1009);

    if (!setjmp(no_memory))
        return malloc(1013) ? 1 : 2;
    return first && malloc(1019) ? 0 : 3;
}
