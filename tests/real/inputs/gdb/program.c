/* program.c - what gdb is to look at. */
#include <stdlib.h>

static void *inner(size_t size)
{
    return malloc(size);
}

int main(void)
{
    void *p = inner(101);
    free(p);
    return 0;
}
