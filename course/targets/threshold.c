#include <stdlib.h>

#ifndef SIZE
#define SIZE 200000
#endif

int main(void)
{
    char *first = malloc(SIZE);
    free(first);

    char *second = malloc(SIZE);
    free(second);
    return 0;
}
