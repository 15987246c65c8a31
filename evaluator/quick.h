/* quick.h - the smallest expressions, such as "2 + 3": byte by byte, before any preparation.
 *
 * Those of whole numbers, operators and spaces only; of anything else it says nothing.
 */
#ifndef MEXE_QUICK_H
#define MEXE_QUICK_H

#include "bytes.h"
#include "core.h"

enum { QUICK_MAX = 15 }; /* bytes; 15 digits are exact in a double */

static inline const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p;
}

/* Reads a whole number; NULL: there is none. */
static inline const char *read_whole(const char *p, const char *end, double *value)
{
    if (p == end || !is_digit((unsigned char)*p))
        return NULL;
    int64_t digits = *p++ - '0';
    while (p < end && is_digit((unsigned char)*p))
        digits = digits * 10 + (*p++ - '0');
    *value = (double)digits;
    return skip_blanks(p, end);
}

/* False: it is not one of those; *RESULT is untouched. */
static inline bool evaluate_quick(const char *p, size_t length, double *result)
{
    const char *end = p + length;
    double sum = -0.0, term = 1, value;
    bool divides = false;
    p = skip_blanks(p, end);
    while ((p = read_whole(p, end, &value)) != NULL) {
        term = divides ? term / value : term * value;
        if (p == end) {
            *result = mexe_one_nan(sum + term);
            return true;
        }
        char byte = *p++;
        divides = byte == '/';
        if (byte == '+' || byte == '-') {
            sum += term;
            term = byte == '-' ? -1 : 1;
        } else if (byte != '*' && byte != '/') {
            return false;
        }
        p = skip_blanks(p, end);
    }
    return false;
}

#endif
