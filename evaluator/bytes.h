/* bytes.h - what a byte is. */
#ifndef MEXE_BYTES_H
#define MEXE_BYTES_H

#include <stdbool.h>

static inline bool is_digit(unsigned byte)
{
    return byte - '0' < 10;
}

static inline bool is_space(unsigned byte)
{
    return byte == ' ' || byte - '\t' < 2 || byte == '\r';
}

/* Whether an expression may contain it: ( ) * + - . / and digits follow each other in ASCII, with
 * only the comma between. */
static inline bool stands_somewhere(unsigned byte)
{
    return (byte - '(' < 18 && byte != ',') || is_space(byte);
}

static inline bool is_blank(const char *p, const char *end)
{
    while (p < end && is_space((unsigned char)*p))
        p++;
    return p == end;
}

#endif
