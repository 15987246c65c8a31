#include <stdlib.h>

#define STEP 1024
#define MOST 256

int main(void)
{
    for (size_t steps = 1; steps <= MOST; steps++)
        if (!malloc(steps * STEP))
            return 1;
    return 0;
}
