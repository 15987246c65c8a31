/* shortest.h - a double in the fewest digits that read back to it. */
#ifndef SHORTEST_H
#define SHORTEST_H

#include <stddef.h>

#define SHORTEST_ROOM 32 /* bytes that every number fits into */

/* Writes VALUE to TEXT, which has SHORTEST_ROOM bytes, without a NUL; how many bytes it has.
 *
 * Of all decimals that read back to VALUE it is one with the fewest digits, and of those the
 * nearest. Below 0.0001 and from 10^16 on it has an exponent of two digits or more: 1e-05, 1e+16.
 * Otherwise there is none: 46, 0.1, -0. Also: inf, -inf, nan. */
size_t shortest_write(double value, char *text);

#endif
