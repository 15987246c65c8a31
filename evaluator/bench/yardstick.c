/* yardstick.c - a plain recursive descent with strtod; yardstick.h says what for. */
#include <stdlib.h>

#include "yardstick.h"

struct reader {
    const char *at;
    bool wrong;
};

static double read_sum(struct reader *reader);

static char next(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')
        reader->at++;
    return *reader->at;
}

static double read_group(struct reader *reader)
{
    reader->at++;
    double value = read_sum(reader);
    if (next(reader) == ')')
        reader->at++;
    else
        reader->wrong = true;
    return value;
}

static double read_number(struct reader *reader)
{
    char *end;
    double value = strtod(reader->at, &end);
    reader->at = end;
    return value;
}

static double read_unsigned(struct reader *reader)
{
    char first = next(reader);
    if (first == '(')
        return read_group(reader);
    if (first >= '0' && first <= '9')
        return read_number(reader);
    reader->wrong = true;
    return 0;
}

static double read_operand(struct reader *reader)
{
    if (next(reader) != '-')
        return read_unsigned(reader);
    reader->at++;
    return -read_unsigned(reader);
}

static double read_product(struct reader *reader)
{
    double value = read_operand(reader);
    for (char sign; (sign = next(reader)) == '*' || sign == '/';) {
        reader->at++;
        double operand = read_operand(reader);
        value = sign == '*' ? value * operand : value / operand;
    }
    return value;
}

static double read_sum(struct reader *reader)
{
    double value = read_product(reader);
    for (char sign; (sign = next(reader)) == '+' || sign == '-';) {
        reader->at++;
        double operand = read_product(reader);
        value = sign == '+' ? value + operand : value - operand;
    }
    return value;
}

bool yardstick_eval(const char *text, double *result)
{
    struct reader reader = {text, false};
    double value = read_sum(&reader);
    if (reader.wrong || next(&reader) != '\0')
        return false;
    *result = value;
    return true;
}
