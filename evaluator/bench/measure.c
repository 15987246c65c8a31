/* measure.c - peers in turns, round by round; measure.h. */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "heap_calls.h"
#include "measure.h"

#define ROUNDS 83
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

/* The best of each peer's turns. On a busy machine all others say how busy it was. */
static void take_turns(const struct set *set, double budget, struct measured *results)
{
    size_t turns[MOST_PEERS] = {0}, taking_part = 0;
    for (size_t i = 0; peers[i].name; i++)
        if (!results[i].refuses && ++taking_part) {
            turns[i] = times_for(&peers[i], set, budget / ROUNDS);
            results[i].seconds = time_of(&peers[i], set, turns[i]);
        }
    double end = seconds() + budget * (double)taking_part;
    for (int round = 0; round < 2 || (round < ROUNDS && seconds() < end); round++)
        for (size_t i = 0; peers[i].name; i++)
            if (turns[i]) {
                double took = time_of(&peers[i], set, turns[i]);
                results[i].seconds = took < results[i].seconds ? took : results[i].seconds;
            }
}

void measure(const struct set *set, double budget, struct measured *results)
{
    memset(results, 0, MOST_PEERS * sizeof *results);
    for (size_t i = 0; peers[i].name; i++)
        look(&peers[i], set, &results[i]);
    take_turns(set, budget, results);
    for (size_t i = 0; peers[i].name; i++)
        if (!results[i].refuses)
            results[i].times = results[YARDSTICK].seconds / results[i].seconds;
}
