/* plugin.c - what reloading.c loads. */
#include <stdlib.h>

void *work(void)
{
    return calloc(1, 1013);
}
