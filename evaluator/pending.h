/* pending.h - what is pending while an expression is read.
 *
 * There are only two levels of precedence, so what is pending within one pair of parentheses is
 * never more than SUM + TERM * operand, or SUM + TERM / operand: three registers. Where nothing is
 * pending, SUM is -0 (x + -0 is x, even for x = -0) and TERM is 1. A minus sign of either kind goes
 * into the sign of TERM: a - b * c is a + (-b) * c, bit for bit.
 *
 * Which operator comes next cannot be foretold, so none is branched on, but division: a table of
 * masks says what each does.
 */
#ifndef MEXE_PENDING_H
#define MEXE_PENDING_H

#include "lane.h"

#include <string.h>

/* The kind of what is pending. Above these bits PLAIN parentheses are counted: those that were opened
 * here while nothing was pending, of which nothing need be kept. */
enum {
    DIVIDES = 1, /* TERM / operand, not TERM * operand */
    WAITS = 2,   /* an operator waits for its right operand */
    SIGNED = 4,  /* the operand has its minus sign: no other may follow */
    NOT_PLAIN = DIVIDES | WAITS | SIGNED,
    PLAIN = NOT_PLAIN + 1
};

struct pending {
    lane sum, term;
    uint64_t kind;
};

/* What an operator does: adds what AS_SUM makes of the old TERM, and leaves what AS_TERM does. */
struct operation {
    _Alignas(128) struct mask as_sum;
    struct mask as_term;
    uint64_t kind; /* of what is pending then */
    uint64_t byte;
};

#define ALL UINT64_MAX
#define ONE UINT64_C(0x3ff0000000000000)
#define SIGN UINT64_C(0x8000000000000000)

/* By the lowest three bits of the byte: also of bytes that are no operators. */
static const struct operation operations[8] = {
    [0] = {.byte = 256},
    ['*' & 7] = {{{0}, {SIGN}}, {{ALL}, {0}}, WAITS, '*'},
    ['+' & 7] = {{{ALL}, {0}}, {{0}, {ONE}}, WAITS, '+'},
    ['-' & 7] = {{{ALL}, {0}}, {{0}, {ONE | SIGN}}, WAITS, '-'},
    ['/' & 7] = {{{0}, {SIGN}}, {{ALL}, {0}}, WAITS | DIVIDES, '/'},
};

static inline struct pending nothing_pending(void)
{
    return (struct pending){lane_of(-0.0), lane_of(1.0), 0};
}

static inline double total(const struct pending *now)
{
    return lane_value(lane_sum(now->sum, now->term));
}

static inline void negate(struct pending *now)
{
    now->term = lane_negated(now->term);
    now->kind |= SIGNED;
}

/* Here a branch is the lesser evil: without it, each product would wait as long as a quotient. */
static inline void apply(struct pending *now, lane operand)
{
    if (now->kind & DIVIDES)
        now->term = lane_quotient(now->term, operand);
    else
        now->term = lane_product(now->term, operand);
}

static inline void operate(struct pending *now, const struct operation *o)
{
    now->sum = lane_sum(now->sum, lane_masked(now->term, &o->as_sum));
    now->term = lane_masked(now->term, &o->as_term);
    now->kind = (now->kind & ~(uint64_t)NOT_PLAIN) | o->kind;
}

/* ---- levels: what is kept at an open parenthesis that something waits for ------------------- */

enum { LEVEL = 24 };

static inline unsigned char *push(unsigned char *top, struct pending *now)
{
    double sum = lane_value(now->sum), term = lane_value(now->term);
    memcpy(top, &sum, 8);
    memcpy(top + 8, &term, 8);
    memcpy(top + 16, &now->kind, 8);
    *now = nothing_pending();
    return top + LEVEL;
}

static inline unsigned char *pop(unsigned char *top, struct pending *now)
{
    double sum, term;
    top -= LEVEL;
    memcpy(&sum, top, 8);
    memcpy(&term, top + 8, 8);
    memcpy(&now->kind, top + 16, 8);
    now->sum = lane_of(sum);
    now->term = lane_of(term);
    return top;
}

#endif
