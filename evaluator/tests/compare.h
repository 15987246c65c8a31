/* compare.h - mexe beside the reference, on one text. */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stddef.h>

/* Evaluates TEXT with mexe_eval, with mexe_eval_in and scratch of several sizes, and with the
 * reference; false, and a line on standard error, when anything differs. */
bool agrees(const char *text, size_t length);

#endif
