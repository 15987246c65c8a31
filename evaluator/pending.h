/* pending.h - what is pending while an expression is read.
 *
 * There are only two levels of precedence, so what is pending within one pair of parentheses is
 * never more than SUM + TERM * operand, or SUM + TERM / operand: three registers. Where nothing is
 * pending, SUM is -0 (x + -0 is x, even for x = -0) and TERM is 1. A minus sign of either kind goes
 * into the sign of TERM: a - b * c is a + (-b) * c, bit for bit.
 */
#ifndef MEXE_PENDING_H
#define MEXE_PENDING_H

#include "core.h"

#include <string.h>

#define ONE UINT64_C(0x3ff0000000000000)
#define SIGN UINT64_C(0x8000000000000000)

/* What an operator does, without a branch: masks that choose. */
struct operator
{
    uint64_t byte;
    uint64_t adds;    /* all ones for + and - */
    uint64_t keeps;   /* what is added to SUM where TERM is not: -0 */
    uint64_t start;   /* TERM behind a sum's operator: 1 or -1 */
    uint64_t divides; /* all ones for / */
};

/* By the lowest three bits of the byte; the others are no operator's. */
static const struct operator operators[8] = {
    [0] = {256, 0, 0, 0, 0}, /* NUL is none either */
    ['*' & 7] = {'*', 0, SIGN, 0, 0},
    ['+' & 7] = {'+', UINT64_MAX, 0, ONE, 0},
    ['-' & 7] = {'-', UINT64_MAX, 0, ONE | SIGN, 0},
    ['/' & 7] = {'/', 0, SIGN, 0, UINT64_MAX},
};

struct pending {
    double sum, term;
    uint64_t divides; /* all ones: TERM / operand; 0: TERM * operand */
};

static const struct pending nothing = {-0.0, 1.0, 0};

enum { SUM = 1, TERM = 2, MINUS = 4, DIVIDES = 8, LEVEL_MAX = 1 + 2 * sizeof(double) };

static inline uint64_t bits_of(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return both.bits;
}

static inline void apply(struct pending *now, double operand)
{
    uint64_t product = bits_of(now->term * operand), quotient = bits_of(now->term / operand);
    now->term = mexe_double(product ^ ((product ^ quotient) & now->divides));
}

static inline void operate(struct pending *now, const struct operator* o)
{
    uint64_t term = bits_of(now->term);
    now->sum += mexe_double((term & o->adds) | o->keeps);
    now->term = mexe_double((term & ~o->adds) | o->start);
    now->divides = o->divides;
}

/* A level is what is there of TERM and SUM, and a byte that says what. */
static inline unsigned char *push(unsigned char *top, const struct pending *now)
{
    bool sum = bits_of(now->sum) != SIGN;
    bool one = !now->divides && (bits_of(now->term) << 1) == ONE << 1;
    unsigned minus = one && now->term < 0 ? MINUS : 0;
    if (!one) {
        memcpy(top, &now->term, sizeof now->term);
        top += sizeof now->term;
    }
    if (sum) {
        memcpy(top, &now->sum, sizeof now->sum);
        top += sizeof now->sum;
    }
    *top =
        (unsigned char)((sum ? SUM : 0) | (one ? 0 : TERM) | minus | (now->divides ? DIVIDES : 0));
    return top + 1;
}

static inline unsigned char *pop(unsigned char *top, struct pending *now)
{
    unsigned kind = *--top;
    *now = nothing;
    now->divides = kind & DIVIDES ? UINT64_MAX : 0;
    if (kind & SUM) {
        top -= sizeof now->sum;
        memcpy(&now->sum, top, sizeof now->sum);
    }
    if (kind & TERM) {
        top -= sizeof now->term;
        memcpy(&now->term, top, sizeof now->term);
    } else if (kind & MINUS) {
        now->term = -1.0;
    }
    return top;
}

#endif
