#include <stdlib.h>

#define MOST 100

int main(void)
{
    for (size_t size = 1; size <= MOST; size++)
        if (!malloc(size))
            return 1;
    return 0;
}
