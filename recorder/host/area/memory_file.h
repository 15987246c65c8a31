/* memory_file.h - where things lie in the memory file of the run: a slice for each family, and behind them the
 * ledger. */
#ifndef RECORDER_MEMORY_FILE_H
#define RECORDER_MEMORY_FILE_H

#include "host.h"

struct ledger {
    uint64_t taken; /* events that the history was told of */
    uint64_t moved; /* the run has another memory file, which the target made */
};

#define FAMILY_SIZE ((AREA_SIZE + 4095) & ~UINT64_C(4095))
#define LEDGER_AT (MAX_FAMILIES * FAMILY_SIZE)
#define MEMORY_SIZE (LEDGER_AT + 4096)

#endif
