/* place.h - where the areas go in a process: addresses that nobody else counts on. */
#ifndef RECORDER_PLACE_H
#define RECORDER_PLACE_H

#include "host.h"

/* `size` bytes for code that reaches what is around `anchor`; 0: there is no room. */
uint64_t place_code(const struct maps *maps, uint64_t anchor, uint64_t size);
/* Whether a jump leads from each of the `size` bytes at `from` to `address`. */
bool place_reaches(uint64_t from, uint64_t size, uint64_t address);
/* `size` bytes for the data area; 0: there is no room. */
uint64_t place_data(const struct maps *maps, uint64_t size);

#endif
