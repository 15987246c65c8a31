/* peers.h - who evaluates: mexe, and what it is measured beside. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stddef.h>

struct peer {
    const char *name;
    /* Evaluates `text`, which ends in NUL behind its `length` bytes. False where it refuses. */
    bool (*eval)(const char *text, size_t length, double *result);
    size_t longest; /* bytes of an expression that it is given; 0: any */
};

/* The peers that this program was built with, the yardstick second; the end has no name. */
extern const struct peer peers[];

/* Of other languages: defined where they could be built. */
#ifdef __cplusplus
extern "C" {
#endif
bool muparser_eval(const char *text, size_t length, double *result);
bool fparser_eval(const char *text, size_t length, double *result);
bool original_eval(const char *text, size_t length, double *result);
#ifdef __cplusplus
}
#endif

#endif
