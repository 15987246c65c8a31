/* fuzz.c - libFuzzer's target: any bytes through mexe and the reference; `make fuzz-evaluator`. */
#include <stdint.h>
#include <stdlib.h>

#include "compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!agrees((const char *)bytes, size))
        abort();
    return 0;
}
