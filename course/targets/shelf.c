#include <stdlib.h>

#define COUNT 200
#define SIZE 24

int main(void)
{
    char *shelf[COUNT];

    for (int at = 0; at < COUNT; at++)
        shelf[at] = malloc(SIZE);
    for (int at = 0; at < COUNT; at++)
        free(shelf[at]);

    char *large = malloc(200000);
    free(large);
    return 0;
}
