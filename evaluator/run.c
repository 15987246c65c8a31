/* run.c - the evaluator: one pass over the text, operators by precedence. */
#include "core.h"
#include "pending.h"
#include "words.h"

static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_space(unsigned byte)
{
    return byte == ' ' || byte - '\t' < 2 || byte == '\r';
}

static bool stands_somewhere(unsigned byte)
{
    return (byte - '(' < 18 && byte != ',') || is_space(byte);
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && is_space((unsigned char)*p))
        p++;
    return p == end;
}

static bool is_digit(unsigned byte)
{
    return byte - '0' < 10;
}

static inline unsigned byte_at(const struct source *source, const char *p)
{
    return (unsigned)look(source, p) & 0xff;
}

__attribute__((noinline)) static const char *long_number(const struct source *source, const char *p,
                                                         double *value)
{
    return mexe_read_number(p, source->end, value);
}

enum mexe_status mexe_run(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory)
{
    struct source source = make_source(text, length);
    const char *p = text;
    struct pending now = nothing;
    unsigned char *top = memory->base;
    enum mexe_status status;
    unsigned byte, minus;
    uint64_t word;

operand:
    word = look(&source, p);
    byte = word & 0xff;
    minus = byte == '-';
    p += minus;
    word = word >> 8 * minus | (uint64_t)(minus * 0x30) << 56;
    byte = word & 0xff;
    now.term = with_sign(now.term, minus);
again:
    if (is_digit(byte)) {
        uint64_t marks = mark_no_digits(word), first = marks & -marks, before = (first - 1) >> 7;
        uint64_t point = first & mark_points(word), stop = marks ^ point;
        if (stop) {
            unsigned size = bytes_below(stop), has = point != 0;
            unsigned fraction = size - bytes_below(marks) - has;
            uint64_t digits = (word & before) | (word >> 8 & ~before);
            digits = join_digits(digits << (64 - 8 * (size - has)));
            p += size;
            if (fraction < has) {
                status = MEXE_WANTS_DIGIT;
                goto out;
            }
            apply(&now, (double)(int64_t)digits / ten[fraction]);
        } else {
            double value = 0;
            p = long_number(&source, p, &value);
            if (p[-1] == '.') {
                status = MEXE_WANTS_DIGIT;
                goto out;
            }
            apply(&now, value);
        }
        goto operator;
    }
    if (byte == '(') {
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
    if (is_space(byte) && p < source.end) {
        do
            p++;
        while (is_space(byte_at(&source, p)));
        if (!minus)
            goto operand;
        word = look(&source, p);
        byte = word & 0xff;
        goto again;
    }
    status = p < source.end && !stands_somewhere(byte) ? MEXE_BAD_BYTE : MEXE_WANTS_OPERAND;
    if (p == source.end && is_blank(text, p))
        status = MEXE_EMPTY;
    goto out;

operator:
    word = look(&source, p);
    {
        unsigned space = (word & 0xff) == ' ';
        p += space;
        word >>= 8 * space;
    }
    byte = word & 0xff;
other:
    if (is_operator(byte)) {
        p += 1 + ((word >> 8 & 0xff) == ' ');
        operate(&now, byte);
        goto operand;
    }
    if (byte == ')') {
        if (top == memory->base) {
            status = MEXE_NOT_OPENED;
            goto out;
        }
        double value = now.sum + now.term;
        top = pop(top, &now);
        apply(&now, value);
        p++;
        goto operator;
    }
    if (is_space(byte)) {
        do
            p++;
        while (is_space(byte_at(&source, p)));
        word = look(&source, p);
        byte = word & 0xff;
        goto other;
    }
    if (p < source.end) {
        status = stands_somewhere(byte) ? MEXE_WANTS_OPERATOR : MEXE_BAD_BYTE;
    } else if (top > memory->base) {
        status = MEXE_NOT_CLOSED;
    } else {
        double value = now.sum + now.term;
        status = MEXE_OK;
        *result = value == value ? value : mexe_double((uint64_t)0x7ff8 << 48);
    }
out:
    if (error)
        *error = (struct mexe_error){status, (size_t)(p - text)};
    return status;
}
