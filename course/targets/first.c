#include <stdlib.h>

int main(void)
{
    char *first = malloc(24);
    char *second = malloc(24);

    free(first);
    free(second);
    return 0;
}
