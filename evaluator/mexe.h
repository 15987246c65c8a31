/* mexe.h - evaluates arithmetic expressions such as "2 * (3 + 4.5)".
 *
 * A reimplementation in C of the crate mexe (https://github.com/yds12/mexe), which first showed
 * how little memory such a thing needs. This one needs no heap at all.
 *
 * An expression is made of
 *   numbers        12  007  3.25     digits, or digits, a point and digits; no sign, no exponent
 *   operators      + - * /           the usual precedence, from left to right
 *   parentheses    ( )               any depth
 *   a minus sign   -3  -(1)  2 - -3  at most one before a number or a parenthesis
 *   white space    space, tab, carriage return, line feed; anywhere except inside a number
 * and nothing else: 1.  .5  1e3  0x1  +1  --1  2(3)  are refused.
 *
 * Values are IEEE 754 doubles. Every number is read correctly rounded, however many digits it has
 * (too large is infinity, too small is 0, as with strtod), and every operation is done for itself,
 * in the order in which it stands: the result has the same bits on every machine. Dividing by zero
 * gives an infinity or NaN, and -0 stays -0. NaN is always the same one, without a sign.
 *
 * The functions are safe to call from any thread. They keep nothing between two calls, allocate
 * nothing on the heap, print nothing, and touch neither errno nor the locale. They expect the
 * processor to round to nearest, which it does unless told otherwise. No input makes them recurse.
 */
#ifndef MEXE_H
#define MEXE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of an expression. mexe_sentence gives each its sentence. */
enum mexe_status {
    MEXE_OK,
    MEXE_EMPTY,          /* nothing, or nothing but white space */
    MEXE_WANTS_OPERAND,  /* neither a number nor an opening parenthesis where one must stand */
    MEXE_WANTS_OPERATOR, /* something else after a complete operand */
    MEXE_WANTS_DIGIT,    /* a point that no digit follows */
    MEXE_BAD_BYTE,       /* a byte that stands in no expression */
    MEXE_NOT_OPENED,     /* a closing parenthesis too many */
    MEXE_NOT_CLOSED,     /* the end, with a parenthesis still open */
    MEXE_TOO_DEEP        /* no memory for so much that is pending at once */
};

/* Where an expression went wrong. */
struct mexe_error {
    enum mexe_status status;
    /* The offset, from 0, of the first byte that cannot continue a valid expression; the length
     * of the text where it ends too early. For MEXE_TOO_DEEP the parenthesis that did not fit. */
    size_t position;
};

/* Evaluates the LENGTH bytes at TEXT, which need not end in NUL and may hold anything. TEXT may be
 * NULL when LENGTH is 0.
 *
 * Returns MEXE_OK and stores the value in *RESULT; or returns what is wrong and leaves *RESULT
 * alone. ERROR may be NULL; otherwise the status is stored there too, with its position (MEXE_OK
 * has LENGTH for it).
 *
 * What waits for the end of an open parenthesis is kept in a fixed area on the machine stack (the
 * call needs less than 8 KiB of that in all), and, for very deep nesting, in one mapping of the
 * kernel's (mmap), given back before the call returns: 24 bytes for each parenthesis that a sum, a
 * product or a minus sign waits for, nothing for others, such as the second of "((". MEXE_TOO_DEEP
 * says that the kernel refused. */
enum mexe_status mexe_eval(const char *text, size_t length, double *result,
                           struct mexe_error *error);

/* The same with memory of the caller's: keeps what is pending in the SIZE bytes at SCRATCH (of any
 * alignment; NULL when SIZE is 0) and takes no other. MEXE_TOO_DEEP says that they do not suffice.
 * 24 bytes for each level of parentheses always do; none is needed for those that nothing waits
 * for. The contents of SCRATCH mean nothing before and after. Needs no operating system, of libc no
 * more than memcpy and memset, and less than 2 KiB of the machine stack. */
enum mexe_status mexe_eval_in(const char *text, size_t length, double *result,
                              struct mexe_error *error, void *scratch, size_t size);

/* The English sentence of STATUS, without a full stop: a constant, never NULL. */
const char *mexe_sentence(enum mexe_status status);

#ifdef __cplusplus
}
#endif

#endif
