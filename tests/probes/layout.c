/* layout.c - one allocation two calls below main: linked in many ways by tests/test_layouts.py.
 *
 * -DOWN: with an allocator of its own; -DAPART: the caller in a segment of code of its own.
 */
#include <stdlib.h>

void *kept;

#ifdef OWN
static char pool[1 << 16];
static size_t used;

__attribute__((noinline)) void *malloc(size_t size)
{
    void *block = pool + used;
    used += (size + 15) & ~(size_t)15;
    return block;
}
#endif

#ifdef APART
#define WHERE section(".apart"),
#else
#define WHERE
#endif

__attribute__((WHERE noinline)) void give(int n)
{
    kept = malloc(1100 + n);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

int main(void)
{
    give(3);
    return 0;
}
