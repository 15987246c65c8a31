/* run.h - the evaluator: one pass over the text, operators by precedence.
 *
 * Included once for each of the ways to look at bytes, with MEXE_RUN for the function's name.
 * advance() has all that is frequent and calls nothing, so that what is pending stays in registers;
 * for the rest it returns to MEXE_RUN and is called again.
 */
#include "bytes.h"
#include "marks.h"
#include "pending.h"
#include "quick.h"

/* Why advance() returns. */
enum reason {
    OUT_OF_TOKENS,
    HARD_NUMBER, /* at P: a long one, or none */
    OUT_OF_ROOM, /* at P: an opening parenthesis */
    WRONG        /* at P */
};

/* Goes from token to token. */
struct scanner {
    struct source source;
    const char *base;   /* the block that MARKS is of; NULL before the first */
    struct marks marks; /* of the tokens to come */
};

struct run {
    struct scanner scanner;
    const char *p; /* the last token */
    struct pending now;
    unsigned char *bottom, *top, *limit; /* of the levels */
    bool operand;                        /* one comes next, not an operation */
};

static inline bool is_numeric(unsigned byte)
{
    return is_digit(byte) || byte == '.';
}

/* Marks the next block, when there are 64 bytes of it. */
static inline bool next_block(struct scanner *s, const struct tables *tables)
{
    if (s->source.end - s->base < 2 * BLOCK)
        return false;
    s->base += BLOCK;
    s->marks = mark_tokens(classify_block(tables, s->base), is_numeric((unsigned char)s->base[-1]));
    return true;
}

/* False: there is none in whole blocks. */
static inline bool next_token(struct scanner *s, const struct tables *tables, unsigned *at)
{
    while (!s->marks.tokens)
        if (!next_block(s, tables))
            return false;
    *at = (unsigned)__builtin_ctzll(s->marks.tokens);
    s->marks.tokens &= s->marks.tokens - 1;
    return true;
}

__attribute__((noinline)) static enum reason advance(struct run *run)
{
    struct scanner s = run->scanner;
    struct pending now = run->now;
    unsigned char *top = run->top;
    const struct tables *tables = hidden_tables();
    enum reason reason = OUT_OF_TOKENS;
    const char *p = run->p;
    unsigned at, byte;
    if (!run->operand)
        goto want_operation;

want_operand:
    if (!next_token(&s, tables, &at))
        goto stop_before_operand;
    p = s.base + at;
    byte = (unsigned char)*p;
    if (is_digit(byte)) {
        double value = byte - '0';
        if (!(s.marks.single >> at & 1) && !read_short(&s.source, p, tables, &value)) {
            reason = HARD_NUMBER;
            goto stop_before_operand;
        }
        apply(&now, lane_of(value));
        goto want_operation;
    }
    if (byte == '(') {
        if (now.kind <= PLAIN) {
            now.kind++;
            goto want_operand;
        }
        if (run->limit - top < LEVEL) {
            reason = OUT_OF_ROOM;
            goto stop_before_operand;
        }
        top = push(top, &now);
        goto want_operand;
    }
    if (byte == '-' && !(now.kind & SIGNED)) {
        negate(&now);
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operand;
    reason = WRONG;
stop_before_operand:
    run->operand = true;
    goto stop;

want_operation:
    if (!next_token(&s, tables, &at))
        goto stop_before_operation;
    p = s.base + at;
    byte = (unsigned char)*p;
    if (byte == ')') {
        lane value = lane_sum(now.sum, now.term);
        if (now.kind & PLAIN) {
            now.sum = lane_of(-0.0);
            now.term = value;
            now.kind = (now.kind & PLAIN) - 1;
            goto want_operation;
        }
        if (top > run->bottom) {
            top = pop(top, &now);
            apply(&now, value);
            goto want_operation;
        }
    }
    const struct operation *o = &operations[byte & 7];
    if (o->byte == byte) {
        operate(&now, o);
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operation;
    reason = WRONG;
stop_before_operation:
    run->operand = false;
stop:
    run->scanner = s;
    run->p = p;
    run->now = now;
    run->top = top;
    return reason;
}

/* More marks for advance(), of the first or the last block; false: there is no more text. */
__attribute__((noinline)) static bool more_marks(struct scanner *s, const char *text)
{
    const char *base = s->base ? s->base + BLOCK : text;
    if (base >= s->source.end)
        return false;
    uint64_t inside = s->base && is_numeric((unsigned char)base[-1]);
    size_t length = (size_t)(s->source.end - text);
    s->base = base;
    s->marks = mark_tokens(classify_last(hidden_tables(), &s->source, base, length), inside);
    return true;
}

static bool read_hard(struct run *run, enum mexe_status *status)
{
    double value;
    const char *p = run->p, *end = run->scanner.source.end;
    const char *behind = end - p >= 24 ? read_long(p, &value) : NULL;
    if (!behind)
        behind = mexe_read_number(p, end, &value);
    *status = behind[-1] == '.' ? MEXE_WANTS_DIGIT : MEXE_WANTS_OPERATOR;
    if (behind[-1] == '.' || (behind < end && *behind == '.')) {
        run->p = behind;
        return false;
    }
    apply(&run->now, lane_of(value));
    run->operand = false;
    return true;
}

static bool more_room(struct run *run, struct mexe_memory *memory)
{
    size_t used = (size_t)(run->top - memory->base);
    if (!memory->grow || !memory->grow(memory, used))
        return false;
    run->bottom = memory->base;
    run->limit = memory->limit;
    run->top = push(memory->base + used, &run->now);
    run->operand = true;
    return true;
}

static enum mexe_status what_is_wrong(const struct run *run)
{
    unsigned byte = (unsigned char)*run->p;
    if (!stands_somewhere(byte))
        return MEXE_BAD_BYTE;
    if (run->operand)
        return MEXE_WANTS_OPERAND;
    return byte == ')' ? MEXE_NOT_OPENED : MEXE_WANTS_OPERATOR;
}

/* The text has ended. */
static enum mexe_status finish(const struct run *run, const char *text, double *result)
{
    if (run->operand)
        return is_blank(text, run->scanner.source.end) ? MEXE_EMPTY : MEXE_WANTS_OPERAND;
    if (run->top > run->bottom || run->now.kind & PLAIN)
        return MEXE_NOT_CLOSED;
    *result = mexe_one_nan(total(&run->now));
    return MEXE_OK;
}

static enum mexe_status evaluate(struct run *run, const char *text, double *result,
                                 struct mexe_memory *memory)
{
    enum mexe_status status;
    enum reason reason = OUT_OF_TOKENS;
    for (;; reason = advance(run)) {
        switch (reason) {
        case OUT_OF_TOKENS:
            if (more_marks(&run->scanner, text))
                break;
            run->p = run->scanner.source.end;
            return finish(run, text, result);
        case HARD_NUMBER:
            if (read_hard(run, &status))
                break;
            return status;
        case OUT_OF_ROOM:
            if (more_room(run, memory))
                break;
            return MEXE_TOO_DEEP;
        case WRONG:
            return what_is_wrong(run);
        }
    }
}

/* Apart, so that MEXE_RUN itself needs few registers. */
__attribute__((noinline)) static enum mexe_status run_all(const char *text, size_t length,
                                                          double *result, struct mexe_error *error,
                                                          struct mexe_memory *memory)
{
    struct run run = {.scanner = {.source = make_source(text, length)},
                      .p = text,
                      .now = nothing_pending(),
                      .bottom = memory->base,
                      .top = memory->base,
                      .limit = memory->limit,
                      .operand = true};
    enum mexe_status status = evaluate(&run, text, result, memory);
    if (error)
        *error = (struct mexe_error){status, (size_t)(run.p - text)};
    return status;
}

enum mexe_status MEXE_RUN(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory)
{
    if (length == 0)
        text = ""; /* which may have been NULL */
    if (length > QUICK_MAX || !evaluate_quick(text, length, result))
        return run_all(text, length, result, error, memory);
    if (error)
        *error = (struct mexe_error){MEXE_OK, length};
    return MEXE_OK;
}
