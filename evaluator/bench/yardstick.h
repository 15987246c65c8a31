/* yardstick.h - what anyone would write first: recursive descent with strtod.
 *
 * The measure that mexe's speed is told in, because it can be built everywhere. It takes a little
 * more than mexe's grammar does (whatever strtod reads: exponents, hexadecimal) and recurses, so
 * that very deep input overflows the stack.
 */
#ifndef YARDSTICK_H
#define YARDSTICK_H

#include <stdbool.h>

/* Evaluates `text`, which ends in NUL. False, and no result, where it is no expression. */
bool yardstick_eval(const char *text, double *result);

#endif
