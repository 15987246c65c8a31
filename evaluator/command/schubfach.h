/* schubfach.h - the shortest decimal by one multiplication of 64 by 128 bits; shortest.c's fast way. */
#ifndef SCHUBFACH_H
#define SCHUBFACH_H

#include <stdbool.h>
#include <stdint.h>

/* Of the decimals that read back to VALUE one with the fewest digits, and of those the nearest:
 * *DIGITS * 10^*EXPONENT, perhaps with zeros at the end of the digits. VALUE is a positive normal
 * number. False where the table of powers does not reach: roughly below 1e-45 and above 1e+80. */
bool schubfach(double value, uint64_t *digits, int *exponent);

#endif
