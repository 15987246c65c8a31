/* measure.h - how fast each peer evaluates a set, and whether it says what the yardstick says. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "peers.h"
#include "sets.h"

#define MOST_PEERS 8

struct measured {
    bool refuses;      /* it does not take all of the set; the rest says nothing then */
    double seconds;    /* for the set once, the best of the rounds */
    double times;      /* how often it does what the yardstick does once */
    double heap_calls; /* an evaluation */
    size_t other;      /* expressions for which it says another number than the yardstick */
};

/* Measures peers[i] into results[i], in turns, so that a busy machine slows down all of them.
 * `budget`: about how many seconds each peer may have in all. */
void measure(const struct set *set, double budget, struct measured *results);

#endif
