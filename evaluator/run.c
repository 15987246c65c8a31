/* run.c - the evaluator: one pass over the text, operators by precedence.
 *
 * There are only two levels of precedence, so what is pending within one pair of parentheses is
 * never more than SUM + TERM * operand, or SUM + TERM / operand: three registers. Where nothing is
 * pending, SUM is -0 (x + -0 is x, even for x = -0) and TERM is 1. A minus sign of either kind goes
 * into the sign of TERM: a - b * c is a + (-b) * c, bit for bit.
 */
#include "core.h"

#include <string.h>

/* What is pending within one pair of parentheses. */
struct pending {
    double sum, term;
    bool divides; /* TERM / operand, not TERM * operand */
};

static const struct pending nothing = {-0.0, 1.0, false};

enum { SUM = 1, TERM = 2, MINUS = 4, DIVIDES = 8, LEVEL_MAX = 1 + 2 * sizeof(double) };

static uint64_t bits_of(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return both.bits;
}

static void apply(struct pending *now, double operand)
{
    now->term = now->divides ? now->term / operand : now->term * operand;
}

/* A level is what is there of TERM and SUM, and a byte that says what. */
static unsigned char *push(unsigned char *top, const struct pending *now)
{
    bool sum = bits_of(now->sum) != bits_of(-0.0);
    bool one = !now->divides && (bits_of(now->term) << 1) == bits_of(1.0) << 1;
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

static unsigned char *pop(unsigned char *top, struct pending *now)
{
    unsigned kind = *--top;
    *now = nothing;
    now->divides = kind & DIVIDES;
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

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static bool stands_somewhere(char c)
{
    return c != '\0' && strchr("0123456789.+-*/() \t\r\n", c) != NULL;
}

enum mexe_status mexe_run(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory)
{
    const char *end = text + length, *p = skip_spaces(text, end);
    struct pending now = nothing;
    unsigned char *top = memory->base;
    enum mexe_status status;
    if (p == end) {
        status = MEXE_EMPTY;
        goto out;
    }
operand:
    p = skip_spaces(p, end);
    if (p < end && *p == '-') {
        now.term = -now.term;
        p = skip_spaces(p + 1, end);
    }
    if (p < end && *p == '(') {
        if (memory->limit - top < LEVEL_MAX) {
            size_t used = (size_t)(top - memory->base);
            if (!memory->grow || !memory->grow(memory, used)) {
                status = MEXE_TOO_DEEP;
                goto out;
            }
            top = memory->base + used;
        }
        top = push(top, &now);
        now = nothing;
        p++;
        goto operand;
    }
    if (p < end && *p >= '0' && *p <= '9') {
        double value = 0;
        p = mexe_read_number(p, end, &value);
        if (p[-1] == '.') {
            status = MEXE_WANTS_DIGIT;
            goto out;
        }
        apply(&now, value);
        goto operator;
    }
    status = p < end && !stands_somewhere(*p) ? MEXE_BAD_BYTE : MEXE_WANTS_OPERAND;
    goto out;
    operator: p = skip_spaces(p, end);
    if (p == end) {
        status = top > memory->base ? MEXE_NOT_CLOSED : MEXE_OK;
        goto out;
    }
    switch (*p) {
    case '+':
    case '-':
        now.sum += now.term;
        now.term = *p == '-' ? -1.0 : 1.0;
        now.divides = false;
        p++;
        goto operand;
    case '*':
    case '/':
        now.divides = *p == '/';
        p++;
        goto operand;
    case ')':
        if (top == memory->base) {
            status = MEXE_NOT_OPENED;
            goto out;
        }
        double value = now.sum + now.term;
        top = pop(top, &now);
        apply(&now, value);
        p++;
        goto operator;
    default:
        status = stands_somewhere(*p) ? MEXE_WANTS_OPERATOR : MEXE_BAD_BYTE;
    }
out:
    if (status == MEXE_OK) {
        double value = now.sum + now.term;
        *result = value == value ? value : mexe_double((uint64_t)0x7ff8 << 48);
    }
    if (error)
        *error = (struct mexe_error){status, (size_t)(p - text)};
    return status;
}
