/* run.h - the evaluator: one pass over the text, operators by precedence.
 *
 * Included once for each of the ways to look at bytes, with MEXE_RUN for the function's name.
 */
#include "core.h"
#include "marks.h"
#include "pending.h"
#include "words.h"

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

enum mexe_status MEXE_RUN(const char *text, size_t length, double *result, struct mexe_error *error,
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
            const char *start = p;
            if (!read_short(&s.source, p, &value)) {
                p = mexe_read_number(start, s.source.end, &value);
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

    operator: p = next_token(&s);
    if (p == s.source.end)
        goto end;
    byte = (unsigned char)*p;
    const struct operator* o = & operators[byte & 7];
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
