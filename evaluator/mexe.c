/* mexe.c - the functions that need no operating system. */
#include "core.h"

enum mexe_status mexe_eval_in(const char *text, size_t length, double *result,
                              struct mexe_error *error, void *scratch, size_t size)
{
    unsigned char none;
    unsigned char *base = size ? scratch : &none;
    struct mexe_memory memory = {base, base + size, NULL};
    return mexe_run(text, length, result, error, &memory);
}

const char *mexe_sentence(enum mexe_status status)
{
    switch (status) {
    case MEXE_OK:
        return "the expression is valid";
    case MEXE_EMPTY:
        return "the expression is empty";
    case MEXE_WANTS_OPERAND:
        return "expected a number or an opening parenthesis";
    case MEXE_WANTS_OPERATOR:
        return "expected an operator";
    case MEXE_WANTS_DIGIT:
        return "expected a digit after the decimal point";
    case MEXE_BAD_BYTE:
        return "no expression contains this character";
    case MEXE_NOT_OPENED:
        return "this parenthesis closes none";
    case MEXE_NOT_CLOSED:
        return "expected a closing parenthesis";
    case MEXE_TOO_DEEP:
        return "too much is pending for the memory there is";
    }
    return "unknown status";
}
