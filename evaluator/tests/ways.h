/* ways.h - the ways to evaluate. mexe_eval_in takes the one that is best for this machine; the
 * others are here by themselves. */
#ifndef WAYS_H
#define WAYS_H

#include "mexe.h"

typedef enum mexe_status evaluator(const char *text, size_t length, double *result,
                                   struct mexe_error *error, void *scratch, size_t size);

extern const struct way {
    const char *name;
    evaluator *eval;
} ways[]; /* ends with a NULL */

#endif
