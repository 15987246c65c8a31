#include <stdlib.h>

#ifndef SIZE
#define SIZE 24
#endif

int main(void)
{
    char *first = malloc(SIZE);
    char *second = malloc(SIZE);
    char *third = malloc(SIZE);

    free(first);
    free(second);

    char *fourth = malloc(SIZE);
    char *fifth = malloc(SIZE);

    free(third);
    free(fourth);
    free(fifth);
    return 0;
}
