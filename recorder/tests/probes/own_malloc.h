/* own_malloc.h - an allocator that a signal may interrupt anywhere: it hands out and never takes
 * back, with one atomic addition. The program's own, and hooked like any other. */
#include <stddef.h>

static char own_arena[64 << 20] __attribute__((aligned(16)));
static size_t own_used;

__attribute__((noinline)) void *malloc(size_t size)
{
    size_t room = (size + 31) & ~(size_t)15;
    size_t at = __atomic_fetch_add(&own_used, room, __ATOMIC_RELAXED);
    if (at + room > sizeof own_arena)
        at = __atomic_exchange_n(&own_used, room, __ATOMIC_RELAXED) & 0; /* begin anew */
    return own_arena + at;
}

__attribute__((noinline)) void free(void *p)
{
    __asm__ volatile("" : : "r"(p));
}
