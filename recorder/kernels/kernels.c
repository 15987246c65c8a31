#include "kernels.h"

uint32_t kernels_version(void)
{
    return KERNELS_VERSION;
}
