/* preloaded.c - a malloc that comes before libc's.
 *
 * Idea:     ld.so --preload puts a library in front; every program then uses its malloc.
 * Do:       make run-alloc.preloaded
 * Expect:   user malloc(1) 1 ; user by malloc mmap(17) 1 ; exit 0
 * Look for: malloc in preloaded.so under alloc.c's main, and an mmap where libc makes brk.
 */
#include <stddef.h>
#include <sys/mman.h>

void *malloc(size_t size)
{
    size_t *block =
        mmap(NULL, size + 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)block == MAP_FAILED)
        return NULL;
    block[0] = size; /* one mapping a block: simple, and slow */
    return block + 2;
}

void free(void *block)
{
    if (block)
        munmap((size_t *)block - 2, ((size_t *)block)[-2] + 16);
}

void *calloc(size_t n, size_t size)
{
    return malloc(n * size);
}

void *realloc(void *old, size_t size)
{
    return old ? NULL : malloc(size); /* one that never grows is allowed to say so */
}
