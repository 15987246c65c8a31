#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *small = malloc(24);
    char *name = strdup("a name that the program keeps");
    char *list = malloc(1000);
    char *large = malloc(300000);

    free(malloc(48));
    free(malloc(48));
    list = realloc(list, 2000);
    memset(large, 1, 300000);
    free(large);
    free(list);
    free(name);
    return small ? 0 : 1; /* which stays */
}
