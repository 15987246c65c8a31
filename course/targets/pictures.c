#include <stdlib.h>

#ifndef SIZE
#define SIZE 200000
#endif
#define PICTURES 5

int main(void)
{
    for (int number = 0; number < PICTURES; number++) {
        char *picture = malloc(SIZE);
        free(picture);
    }
    return 0;
}
