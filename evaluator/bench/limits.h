/* limits.h - what this machine can do at most: reading bytes, and reading numbers alone. */
#ifndef LIMITS_H
#define LIMITS_H

/* Prints them. */
void limits_print(void);

#endif
