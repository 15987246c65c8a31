/* reference.c - the grammar of mexe.h, one function a rule; reference.h. */
#include "reference.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *text;
    size_t length, at, depth;
    enum mexe_status status;
};

static double read_sum(struct reader *r);

/* The next byte that is not white space; -1 at the end. */
static int next(struct reader *r)
{
    while (r->at < r->length && memchr(" \t\r\n", r->text[r->at], 4))
        r->at++;
    return r->at < r->length ? (unsigned char)r->text[r->at] : -1;
}

static double refuse(struct reader *r, enum mexe_status status)
{
    int byte = next(r);
    bool known = byte == -1 || memchr("0123456789.+-*/()", byte, 17);
    if (r->status == MEXE_OK)
        r->status = known ? status : MEXE_BAD_BYTE;
    return 0;
}

static bool digit_at(struct reader *r)
{
    return r->at < r->length && r->text[r->at] >= '0' && r->text[r->at] <= '9';
}

static double read_number(struct reader *r)
{
    size_t start = r->at;
    while (digit_at(r))
        r->at++;
    if (r->at < r->length && r->text[r->at] == '.') {
        r->at++;
        if (!digit_at(r)) {
            r->status = MEXE_WANTS_DIGIT;
            return 0;
        }
        while (digit_at(r))
            r->at++;
    }
    char *copy = malloc(r->at - start + 1);
    if (!copy)
        abort();
    memcpy(copy, r->text + start, r->at - start);
    copy[r->at - start] = '\0';
    double value = strtod(copy, NULL);
    free(copy);
    return value;
}

static double read_unsigned(struct reader *r)
{
    int byte = next(r);
    if (byte >= '0' && byte <= '9')
        return read_number(r);
    if (byte != '(')
        return refuse(r, MEXE_WANTS_OPERAND);
    r->at++;
    r->depth++;
    double value = read_sum(r);
    if (r->status != MEXE_OK)
        return 0;
    byte = next(r);
    if (byte != ')')
        return refuse(r, byte == -1 ? MEXE_NOT_CLOSED : MEXE_WANTS_OPERATOR);
    r->at++;
    r->depth--;
    return value;
}

static double read_operand(struct reader *r)
{
    if (next(r) != '-')
        return read_unsigned(r);
    r->at++;
    return -read_unsigned(r);
}

static double read_product(struct reader *r)
{
    double value = read_operand(r);
    while (r->status == MEXE_OK) {
        int sign = next(r);
        if (sign != '*' && sign != '/')
            break;
        r->at++;
        double operand = read_operand(r);
        value = sign == '*' ? value * operand : value / operand;
    }
    return value;
}

static double read_sum(struct reader *r)
{
    double value = read_product(r);
    while (r->status == MEXE_OK) {
        int sign = next(r);
        if (sign != '+' && sign != '-')
            break;
        r->at++;
        double operand = read_product(r);
        value = sign == '+' ? value + operand : value - operand;
    }
    return value;
}

enum mexe_status reference_eval(const char *text, size_t length, double *result, size_t *position)
{
    struct reader r = {text, length, 0, 0, MEXE_OK};
    double value = 0;
    if (next(&r) == -1)
        r.status = MEXE_EMPTY;
    else
        value = read_sum(&r);
    if (r.status == MEXE_OK && next(&r) != -1)
        refuse(&r, next(&r) == ')' ? MEXE_NOT_OPENED : MEXE_WANTS_OPERATOR);
    if (r.status == MEXE_OK)
        *result = value;
    *position = r.at;
    return r.status;
}
