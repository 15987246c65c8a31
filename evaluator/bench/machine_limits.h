/* machine_limits.h - what this machine can do at most: reading bytes, and reading numbers alone. */
#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

/* Prints them. */
void limits_print(void);

#endif
