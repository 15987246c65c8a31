#include <stdlib.h>

#define SIZE (512UL * 1024 * 1024)
#define PAGE 4096

int main(void)
{
    char *promise = malloc(SIZE);
    size_t touched = 0; /* bytes from the beginning */

    for (size_t at = 0; promise && at < touched; at += PAGE)
        promise[at] = 1;
    return promise ? 0 : 1;
}
