/* pending.h - what is pending while an expression is read.
 *
 * There are only two levels of precedence, so what is pending within one pair of parentheses is
 * never more than SUM + TERM * operand, or SUM + TERM / operand: three registers. Where nothing is
 * pending, SUM is -0 (x + -0 is x, even for x = -0) and TERM is 1. A minus sign of either kind goes
 * into the sign of TERM: a - b * c is a + (-b) * c, bit for bit.
 *
 * Which operator comes next cannot be foretold, so nothing here branches on it: tables of masks do.
 */
#ifndef MEXE_PENDING_H
#define MEXE_PENDING_H

#include "lane.h"

#include <string.h>

/* What there is of a level, beyond the first that nothing needs to be kept of. */
enum { SUM = 1, TERM = 2, DIVIDES = 4, MINUS = 8, KINDS = 16 };

#define ALL UINT64_MAX
#define ONE UINT64_C(0x3ff0000000000000)
#define SIGN UINT64_C(0x8000000000000000)

struct operation {
    uint64_t adds;             /* all ones for + and - */
    uint64_t keeps;            /* what is added to SUM where TERM is not: -0 */
    uint64_t start;            /* TERM behind + and -: 1 or -1 */
    uint64_t divides;          /* all ones for / */
    unsigned byte, kept, kind; /* the kind of the level is (kind & KEPT) | KIND behind it */
};

/* By the lowest three bits of the byte; of bytes that are no operators too. */
static const struct operation operations[8] = {
    [0] = {.byte = 256},
    ['*' & 7] = {0, SIGN, 0, 0, '*', SUM, TERM},
    ['+' & 7] = {ALL, 0, ONE, 0, '+', 0, SUM},
    ['-' & 7] = {ALL, 0, ONE | SIGN, 0, '-', 0, SUM | MINUS},
    ['/' & 7] = {0, SIGN, 0, ALL, '/', SUM, TERM | DIVIDES},
};

struct pending {
    lane sum, term;
    lane divides; /* all ones: TERM / operand; 0: TERM * operand */
    unsigned kind;
};

static inline struct pending nothing_pending(void)
{
    return (struct pending){lane_of(-0.0), lane_of(1.0), lane_of(0), 0};
}

static inline double total(const struct pending *now)
{
    return lane_value(lane_sum(now->sum, now->term));
}

static inline void negate(struct pending *now)
{
    now->term = lane_negated(now->term);
    now->kind ^= MINUS;
}

static inline void apply(struct pending *now, double operand)
{
    now->term = lane_applied(now->term, lane_of(operand), now->divides);
}

static inline void operate(struct pending *now, const struct operation *o)
{
    lane adds = lane_of_bits(&o->adds);
    now->sum = lane_sum(now->sum, lane_masked(now->term, adds, lane_of_bits(&o->keeps)));
    now->term = lane_unmasked(now->term, adds, lane_of_bits(&o->start));
    now->divides = lane_of_bits(&o->divides);
    now->kind = (now->kind & o->kept) | o->kind;
}

/* ---- levels: what is pending at an open parenthesis --------------------------------------------
 *
 * A level is SUM and TERM, as far as there are any, and a byte that says what kind it is. Both are
 * written and read in any case; what matters is how far the top moves.
 */

enum { LEVEL_MAX = 2 * sizeof(double) + 1 };

struct level {
    uint64_t has_sum, sum, has_term, term, divides; /* masks, and what there is without */
};

#define LEVEL(kind)                                                                                \
    {                                                                                              \
        (kind) & SUM ? ALL : 0, (kind)&SUM ? 0 : SIGN, (kind)&TERM ? ALL : 0,                      \
            (kind)&TERM    ? 0                                                                     \
            : (kind)&MINUS ? ONE | SIGN                                                            \
                           : ONE,                                                                  \
            (kind)&DIVIDES ? ALL : 0                                                               \
    }

static const struct level levels[KINDS] = {
    LEVEL(0), LEVEL(1), LEVEL(2),  LEVEL(3),  LEVEL(4),  LEVEL(5),  LEVEL(6),  LEVEL(7),
    LEVEL(8), LEVEL(9), LEVEL(10), LEVEL(11), LEVEL(12), LEVEL(13), LEVEL(14), LEVEL(15),
};

static inline size_t size_of_sum(unsigned kind)
{
    return (kind & SUM) * sizeof(double);
}

static inline size_t size_of_term(unsigned kind)
{
    return (kind & TERM) * (sizeof(double) / TERM);
}

static inline unsigned char *push(unsigned char *top, const struct pending *now)
{
    double sum = lane_value(now->sum), term = lane_value(now->term);
    memcpy(top, &sum, sizeof sum);
    top += size_of_sum(now->kind);
    memcpy(top, &term, sizeof term);
    top += size_of_term(now->kind);
    *top = (unsigned char)now->kind;
    return top + 1;
}

static inline unsigned char *pop(unsigned char *top, struct pending *now)
{
    double sum, term;
    now->kind = *--top;
    const struct level *level = &levels[now->kind];
    top -= size_of_term(now->kind);
    memcpy(&term, top, sizeof term);
    top -= size_of_sum(now->kind);
    memcpy(&sum, top, sizeof sum);
    now->sum = lane_masked(lane_of(sum), lane_of_bits(&level->has_sum), lane_of_bits(&level->sum));
    now->term =
        lane_masked(lane_of(term), lane_of_bits(&level->has_term), lane_of_bits(&level->term));
    now->divides = lane_of_bits(&level->divides);
    return top;
}

#endif
