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

struct run {
    struct source source;
    const char *base; /* the block that MARKS is of */
    struct marks marks;
    const char *p; /* the last token */
    struct pending now;
    unsigned char *bottom, *top, *limit; /* of the levels */
    bool operand, minus;                 /* what comes next: an operand, behind a minus sign */
};

static inline bool is_numeric(unsigned byte)
{
    return is_digit(byte) || byte == '.';
}

/* Marks the next block, when there are 64 bytes of it. */
static inline bool next_block(const struct source *source, const struct tables *tables,
                              const char **base, struct marks *marks)
{
    if (source->end - *base < 2 * BLOCK)
        return false;
    *base += BLOCK;
    *marks = mark_tokens(classify_block(tables, *base), is_numeric((unsigned char)(*base)[-1]));
    return true;
}

__attribute__((noinline)) static enum reason advance(struct run *run)
{
    const struct source source = run->source;
    const char *base = run->base, *p = run->p;
    struct marks marks = run->marks;
    struct pending now = run->now;
    unsigned char *top = run->top;
    bool minus = run->minus, operand = run->operand;
    const struct tables *tables = hidden_tables();
    enum reason reason;
    unsigned byte, at;
    if (!operand)
        goto want_operation;

want_operand:
    while (!marks.tokens)
        if (!next_block(&source, tables, &base, &marks)) {
            reason = OUT_OF_TOKENS;
            operand = true;
            goto out;
        }
    at = (unsigned)__builtin_ctzll(marks.tokens);
    marks.tokens &= marks.tokens - 1;
    p = base + at;
    byte = (unsigned char)*p;
    if (is_digit(byte)) {
        double value = byte - '0';
        if (!(marks.single >> at & 1) && !read_short(&source, p, tables, &value)) {
            reason = HARD_NUMBER;
            goto out;
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
            goto out;
        }
        top = push(top, &now);
        minus = false;
        goto want_operand;
    }
    if (byte == '-' && !minus) {
        minus = true;
        negate(&now);
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operand;
    reason = WRONG;
    operand = true;
    goto out;

want_operation:
    while (!marks.tokens)
        if (!next_block(&source, tables, &base, &marks)) {
            reason = OUT_OF_TOKENS;
            operand = false;
            goto out;
        }
    at = (unsigned)__builtin_ctzll(marks.tokens);
    marks.tokens &= marks.tokens - 1;
    p = base + at;
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
    const struct operation *o = &operations[byte & 7][0];
    if (o->byte == byte) {
        operate(&now, o);
        minus = false;
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operation;
    reason = WRONG;
    operand = false;
out:
    run->base = base;
    run->p = p;
    run->marks = marks;
    run->now = now;
    run->top = top;
    run->minus = minus;
    run->operand = operand;
    return reason;
}

/* More marks for advance(), of the first or the last block; false: there is no more text. */
__attribute__((noinline)) static bool more_marks(struct run *run, const char *text)
{
    uint64_t inside = 0;
    if (run->base) {
        if (run->source.end - run->base <= BLOCK)
            return false;
        run->base += BLOCK;
        inside = is_numeric((unsigned char)run->base[-1]);
    } else {
        if (run->source.end == text)
            return false;
        run->base = text;
    }
    struct classes c =
        classify_last(hidden_tables(), &run->source, run->base, (size_t)(run->source.end - text));
    run->marks = mark_tokens(c, inside);
    return true;
}

static bool read_hard(struct run *run, enum mexe_status *status)
{
    double value;
    const char *p = run->p, *end = run->source.end;
    run->p = end - p >= 24 ? read_long(p, &value) : NULL;
    if (!run->p)
        run->p = mexe_read_number(p, end, &value);
    *status = run->p[-1] == '.' ? MEXE_WANTS_DIGIT : MEXE_WANTS_OPERATOR;
    if (run->p[-1] == '.' || (run->p < end && *run->p == '.'))
        return false;
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
    run->minus = false;
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
        return is_blank(text, run->source.end) ? MEXE_EMPTY : MEXE_WANTS_OPERAND;
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
            if (more_marks(run, text))
                break;
            run->p = run->source.end;
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
    struct run run = {.source = make_source(text, length),
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
    if (length > QUICK_MAX || !evaluate_quick(text, length, result))
        return run_all(text, length, result, error, memory);
    if (error)
        *error = (struct mexe_error){MEXE_OK, length};
    return MEXE_OK;
}
