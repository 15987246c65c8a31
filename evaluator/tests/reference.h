/* reference.h - an evaluator written for nothing but being right: recursive, with strtod. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "mexe.h"

/* As mexe_eval. Recurses once a parenthesis, and needs the C locale. NaN has whatever sign. */
enum mexe_status reference_eval(const char *text, size_t length, double *result, size_t *position);

#endif
