/* short_entries.c - a program's own allocator whose functions have no room for a jump. */
#include <stddef.h>

__asm__(".text\n.globl malloc, free\n.p2align 4\n"
        ".type malloc, @function\nmalloc: jmp take\n.size malloc, .-malloc\n"
        ".type free, @function\nfree: ret\n.size free, .-free\n"
        ".type take, @function\n");
void *malloc(size_t size);
void free(void *block);
static char pool[1 << 16];
static size_t used;

void *take(size_t size)
{
    used += (size + 15) & ~(size_t)15;
    return used <= sizeof pool ? pool + sizeof pool - used : NULL;
}

int main(void)
{
    for (size_t size = 2001; size < 2004; size++)
        free(malloc(size));
    return 0;
}
