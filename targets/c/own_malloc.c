/* own_malloc.c - a program that brings its own malloc.
 *
 * Idea:     the function that is really entered counts, wherever it lives.
 * Do:       make run-own_malloc
 * Expect:   user malloc(1009) 1 calloc(3x1013) 1 free 2 ; by malloc mmap(1048576) 1 ;
 *           nested malloc 1 ; exit 0
 * Look for: malloc in the executable, not in libc; one mapping for all.
 */
#include <string.h>
#include <sys/mman.h>

static char *next, *end;

void *malloc(size_t size)
{
    if (!next) {
        next = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        end = next + (1 << 20);
    }
    size = (size + 15) & ~(size_t)15;
    return (void *)next == MAP_FAILED || size > (size_t)(end - next) ? NULL : (next += size) - size;
}

void free(void *block) { (void)block; } /* a bump allocator takes nothing back */
void *calloc(size_t n, size_t size) { return malloc(n * size); }

void *realloc(void *old, size_t size) /* copies too much rather than remember sizes */
{
    char *block = malloc(size);
    return old && block ? memmove(block, old, size < (size_t)(end - block) ? size : 0) : block;
}

int main(void)
{
    void *one = malloc(1009), *many = calloc(3, 1013);
    free(one);
    free(many);
    return one && many ? 0 : 1;
}
