/* run.c - the evaluator: one pass over the text, operators by precedence. */
#include "core.h"
#include "marks.h"
#include "pending.h"
#include "words.h"

static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

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

/* Reads a number of more than 7 bytes. */
static const char *read_longer(const struct source *source, const char *p, double *value)
{
    struct piece first = find_piece(look(source, p));
    if (first.stop || source->end - p < 8)
        return mexe_read_number(p, source->end, value);
    struct piece second = find_piece(look(source, p + 8));
    if (first.point) {
        second.stop = second.marks;
        second.point = 0;
    }
    unsigned point = first.point != 0;
    if (!second.stop)
        return mexe_read_number(p, source->end, value);
    unsigned size = bytes_below(second.stop), point2 = second.point != 0, digits2 = size - point2;
    uint64_t digits = join_digits(first.digits << 8 * point) * tens[digits2];
    digits += join_digits(second.digits << 8 << (56 - 8 * digits2));
    unsigned fraction = point ? size + 7 - bytes_below(first.point) : size - bytes_below(second.marks) - point2;
    if (fraction < (point | point2))
        return p + 8 + size;
    *value = (double)(int64_t)digits / ten[fraction];
    return p + 8 + size;
}

struct scanner {
    struct source source;
    const char *block; /* the next one */
    const char *base;  /* the one that MARKS is of */
    struct marks marks;
};

/* More marks; false: there is no more text. */
__attribute__((noinline)) static struct marks next_marks(const char *end, uint64_t last,
                                                         const char *block, uint64_t inside)
{
    struct source source = {end, last};
    return mark_block(&source, block, inside);
}

/* The next token; the end when there is none. */
static inline const char *next_token(struct scanner *s)
{
    while (!s->marks.tokens) {
        if (s->source.end - s->base <= BLOCK)
            return s->source.end;
        s->base += BLOCK;
        s->marks = next_marks(s->source.end, s->source.last, s->base, s->marks.inside);
    }
    const char *p = s->base + __builtin_ctzll(s->marks.tokens);
    s->marks.tokens &= s->marks.tokens - 1;
    return p;
}

enum mexe_status mexe_run(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory)
{
    struct scanner s = {.source = make_source(text, length), .base = text};
    const char *p;
    struct pending now = nothing;
    unsigned char *top = memory->base;
    enum mexe_status status;
    unsigned byte;
    uint64_t word;
    bool minus;
    double value;

    if (length)
        s.marks = next_marks(s.source.end, s.source.last, text, 0);

operand:
    minus = false;
again:
    p = next_token(&s);
    word = look(&s.source, p);
    byte = word & 0xff;
    if (is_digit(byte)) {
        if (s.marks.single >> (p - s.base) & 1) {
            value = byte - '0';
        } else {
            struct piece piece = find_piece(word);
            if (piece.stop) {
                unsigned size = bytes_below(piece.stop), point = piece.point != 0;
                unsigned fraction = size - bytes_below(piece.marks) - point;
                uint64_t digits = join_digits(piece.digits << (64 - 8 * (size - point)));
                if (fraction < point || (piece.stop & -piece.stop & mark_points(word))) {
                    p += size;
                    status = fraction < point ? MEXE_WANTS_DIGIT : MEXE_WANTS_OPERATOR;
                    goto out;
                }
                value = (double)(int64_t)digits / ten[fraction];
            } else {
                p = read_longer(&s.source, p, &value);
                if (p[-1] == '.') {
                    status = MEXE_WANTS_DIGIT;
                    goto out;
                }
                if (p < s.source.end && *p == '.') {
                    status = MEXE_WANTS_OPERATOR;
                    goto out;
                }
            }
        }
        apply(&now, value);
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
        goto operand;
    }
    if (byte == '-' && !minus) {
        minus = true;
        now.term = -now.term;
        goto again;
    }
    if (is_space(byte))
        goto again;
    status = p < s.source.end && !stands_somewhere(byte) ? MEXE_BAD_BYTE : MEXE_WANTS_OPERAND;
    if (p == s.source.end && is_blank(text, p))
        status = MEXE_EMPTY;
    goto out;

operator:
    p = next_token(&s);
    if (p == s.source.end)
        goto end;
    byte = (unsigned char)*p;
    const struct operator *o = &operators[byte & 7];
    if (o->byte == byte) {
        operate(&now, o);
        goto operand;
    }
    if (byte == ')') {
        if (top == memory->base) {
            status = MEXE_NOT_OPENED;
            goto out;
        }
        value = now.sum + now.term;
        top = pop(top, &now);
        apply(&now, value);
        goto operator;
    }
    if (is_space(byte))
        goto operator;
    status = stands_somewhere(byte) ? MEXE_WANTS_OPERATOR : MEXE_BAD_BYTE;
    goto out;
end:
    if (top > memory->base) {
        status = MEXE_NOT_CLOSED;
    } else {
        value = now.sum + now.term;
        status = MEXE_OK;
        *result = value == value ? value : mexe_double((uint64_t)0x7ff8 << 48);
    }
out:
    if (error)
        *error = (struct mexe_error){status, (size_t)(p - text)};
    return status;
}
