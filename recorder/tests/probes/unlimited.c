/* unlimited.c - with an unlimited stack the kernel puts the libraries far below the program.
 *
 * Built twice: with -DLIBRARY it is a library of 32 MiB, so that libc lies that far below the loader.
 * Prints by how much the break has grown, with nothing in its way.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef LIBRARY
static char much[32 << 20];
char *library(void)
{
    return much;
}
#else
extern char *library(void);
int main(void)
{
    uintptr_t begin = (uintptr_t)sbrk(0);
    library()[1009] = 1;
    for (int i = 0; i < 211; i++)
        *(char *)malloc(100003) = 1;
    printf("%d MiB\n", (int)((uintptr_t)sbrk(0) - begin) >> 20);
    return 0;
}
#endif
