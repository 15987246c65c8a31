/* own_malloc.c - a program that brings its own malloc.
 *
 * Idea:     the function that is really entered counts, wherever it lives.
 * Do:       make run-own_malloc
 * Expect:   user malloc(1009) 1 calloc(3x1013) 1 free 1 ; user syscalls 0 ; user nested malloc 1 ; exit 0
 * Look for: malloc in the executable, not in libc.
 */
#include <stddef.h>

void *malloc(size_t size) /* hands out pieces of one array, from its end downwards */
{
    static char arena[65536];
    static size_t left = 65536;

    size = (size + 15) & ~(size_t)15;
    return size > left ? NULL : arena + (left -= size);
}

void free(void *block)
{
    (void)block; /* nothing is taken back */
}

void *calloc(size_t n, size_t size)
{
    return malloc(n * size);
}

void *realloc(void *old, size_t size)
{
    return old ? NULL : malloc(size); /* nothing can grow: sizes are not remembered */
}

int main(void)
{
    void *one = malloc(1009), *many = calloc(3, 1013);
    free(many);
    return one && many ? 0 : 1;
}
