/* measure.c - peers in turns, round by round; measure.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "heap_calls.h"
#include "measure.h"

#define ROUNDS 31
#define YARDSTICK 1

static volatile double sink;

static bool same(double one, double other)
{
    return !memcmp(&one, &other, sizeof one) || (isnan(one) && isnan(other));
}

/* One evaluation of each, not timed: refused, counted, compared. What a peer allocates the first
 * time only is not counted. */
static void look(const struct peer *peer, const struct set *set, struct measured *result)
{
    double first;
    peer->eval("1 + 2", 5, &first);
    size_t before = heap_calls();
    for (size_t i = 0; i < set->count && !result->refuses; i++) {
        double mine = 0, its = 0;
        result->refuses = (peer->longest && set->lengths[i] > peer->longest) ||
                          !peer->eval(set->texts[i], set->lengths[i], &mine);
        peers[YARDSTICK].eval(set->texts[i], set->lengths[i], &its);
        result->other += !same(mine, its);
    }
    result->heap_calls = (double)(heap_calls() - before) / (double)set->count;
}

static double time_of(const struct peer *peer, const struct set *set, size_t times)
{
    double sum = 0, value = 0, start = seconds();
    for (size_t turn = 0; turn < times; turn++)
        for (size_t i = 0; i < set->count; i++) {
            peer->eval(set->texts[i], set->lengths[i], &value);
            sum += value;
        }
    sink = sum;
    return (seconds() - start) / (double)times;
}

/* How often the set must be evaluated for `wanted` seconds: at least once. */
static size_t times_for(const struct peer *peer, const struct set *set, double wanted)
{
    for (size_t times = 1;; times *= 2) {
        double took = time_of(peer, set, times) * (double)times;
        if (took * 4 > wanted)
            return (size_t)((double)times * wanted / took) + 1;
    }
}

static int by_size(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

/* Fills times[i][round] in turns; how many rounds the budget allowed. */
static size_t take_turns(const struct set *set, double budget, const struct measured *results,
                         double times[][ROUNDS])
{
    size_t turns[MOST_PEERS] = {0}, rounds = 0, taking_part = 0;
    for (size_t i = 0; peers[i].name; i++)
        if (!results[i].refuses && ++taking_part)
            turns[i] = times_for(&peers[i], set, budget / ROUNDS);
    double end = seconds() + budget * (double)taking_part;
    for (; rounds < 3 || (rounds < ROUNDS && seconds() < end); rounds++)
        for (size_t i = 0; peers[i].name; i++)
            if (turns[i])
                times[i][rounds] = time_of(&peers[i], set, turns[i]);
    return rounds;
}

void measure(const struct set *set, double budget, struct measured *results)
{
    static double times[MOST_PEERS][ROUNDS];
    double ratios[ROUNDS];
    memset(results, 0, MOST_PEERS * sizeof *results);
    for (size_t i = 0; peers[i].name; i++)
        look(&peers[i], set, &results[i]);
    size_t rounds = take_turns(set, budget, results, times);
    for (size_t i = 0; peers[i].name; i++) {
        if (results[i].refuses)
            continue;
        for (size_t r = 0; r < rounds; r++)
            ratios[r] = times[YARDSTICK][r] / times[i][r];
        results[i].times = median(ratios, rounds);
    }
    for (size_t i = 0; peers[i].name; i++) /* last: it sorts the rounds */
        results[i].seconds = median(times[i], rounds);
}
