/* run.h - the evaluator: one pass over the text, operators by precedence.
 *
 * Included once for each of the ways to look at bytes, with MEXE_RUN for the function's name.
 * advance() has all that is frequent and calls nothing but for the next block, so that what is
 * pending stays in registers; for the rest it returns and is called again.
 */
#include "bytes.h"
#include "must.h"
#include "pending.h"
#include "quick.h"
#include "tail.h"

/* Why advance() returns. */
enum reason {
    OUT_OF_TOKENS,
    HARD_NUMBER, /* at P: a long one, or none */
    OUT_OF_ROOM, /* at P: an opening parenthesis */
    WRONG        /* at P */
};

/* Goes from token to token: of the text itself, then of the copy of its tail. */
struct scanner {
    const char *base;   /* the block that MARKS is of */
    const char *next;   /* where the next one starts */
    const char *seen;   /* up to there may be looked */
    struct marks marks; /* of the tokens to come */
};

struct run {
    struct scanner scanner;
    const char *text, *end;
    const char *p;              /* the last token */
    const char *place, *copied; /* where the scanner's text stands in TEXT, and where it is */
    struct pending now;
    unsigned char *bottom, *top, *limit; /* of the levels */
    bool operand;                        /* one comes next, not an operation */
};

/* Where TOP cannot go on. */
static unsigned char *last_top(const struct mexe_memory *memory)
{
    return memory->base + (memory->limit - memory->base) / LEVEL * LEVEL;
}

/* The tokens of the next block that has any; 0: there are no whole blocks. */
__attribute__((noinline)) static uint64_t next_tokens(struct scanner *s)
{
    uint64_t tokens = 0;
    while (!tokens && s->seen - s->next >= SEEN) {
        s->base = s->next;
        mark_block(&s->marks, hidden_tables(), s->base);
        s->next += s->marks.size;
        tokens = s->marks.tokens;
    }
    return tokens;
}

__attribute__((noinline)) static enum reason advance(struct run *run)
{
    struct scanner *s = &run->scanner;
    const struct marks *marks = &s->marks;
    const struct tables *tables = hidden_tables();
    uint64_t tokens = marks->tokens;
    struct pending now = run->now;
    unsigned char *top = run->top;
    enum reason reason;
    unsigned at, byte;
    if (!run->operand)
        goto want_operation;

want_operand:
    if (!tokens && !(tokens = next_tokens(s)))
        goto out_before_operand;
    at = (unsigned)__builtin_ctzll(tokens);
    tokens &= tokens - 1;
    lane value;
    if (read_short(tables, marks, at, s->base + at, &value)) {
        apply(&now, value);
        goto want_operation;
    }
    byte = (unsigned char)s->base[at];
    if (byte == '(') {
        unsigned more = more_openings(marks, at);
        reason = OUT_OF_ROOM;
        if (now.kind & NOT_PLAIN) {
            if (top == run->limit)
                goto stop_before_operand;
            must(run->limit - top >= LEVEL, "an open parenthesis is kept where there is room");
            top = push(top, &now);
            now.kind = (uint64_t)more * PLAIN;
        } else {
            now.kind += (uint64_t)more * PLAIN + PLAIN;
        }
        tokens = tokens_behind(tokens, at + more);
        goto want_operand;
    }
    if (byte == '-' && !(now.kind & SIGNED)) {
        negate(&now);
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operand;
    reason = is_digit(byte) ? HARD_NUMBER : WRONG;
    goto stop_before_operand;

want_operation:
    if (!tokens && !(tokens = next_tokens(s)))
        goto out_before_operation;
    at = (unsigned)__builtin_ctzll(tokens);
    byte = (unsigned char)s->base[at];
    if (byte == ')') {
        unsigned more = more_closings(marks, at);
        uint64_t count = more + 1, plain = now.kind / PLAIN;
        tokens = tokens_behind(tokens, at + more);
        value = lane_sum(now.sum, now.term);
        while (plain < count) {
            count -= plain;
            if (top == run->bottom) {
                at += more + 1 - (unsigned)count;
                goto wrong_operation;
            }
            must(top - run->bottom >= LEVEL, "what is taken from the stack was put there");
            top = pop(top, &now);
            apply(&now, value);
            if (--count == 0)
                goto want_operation;
            value = lane_sum(now.sum, now.term);
            plain = now.kind / PLAIN;
        }
        now.sum = lane_of(-0.0);
        now.term = value;
        now.kind = (plain - count) * PLAIN;
        goto want_operation;
    }
    tokens &= tokens - 1;
    const struct operation *o = &operations[byte & 7];
    if (o->byte == byte) {
        operate(&now, o);
        goto want_operand;
    }
    if (is_space(byte))
        goto want_operation;
wrong_operation:
    reason = WRONG;
    run->operand = false;
    goto stop;

out_before_operation:
    reason = OUT_OF_TOKENS, at = 0;
    run->operand = false;
    goto stop;
out_before_operand:
    reason = OUT_OF_TOKENS, at = 0;
stop_before_operand:
    run->operand = true;
stop:
    s->marks.tokens = tokens;
    run->p = run->place + (s->base - run->copied) + at;
    run->now = now;
    run->top = top;
    return reason;
}

/* Has the tail looked at; false: that is done, or there is none. */
static bool take_tail(struct run *run, struct tail *tail)
{
    struct scanner *s = &run->scanner;
    if (run->copied != run->text || s->next >= run->end)
        return false;
    size_t size = (size_t)(run->end - s->next);
    take_last(&s->marks, hidden_tables(), tail, s->next, size);
    run->place = s->next;
    run->copied = s->base = tail->bytes;
    s->next = s->base + s->marks.size;
    s->seen = s->base + size - 1 + SEEN;
    return true;
}

static bool read_hard(struct run *run, enum mexe_status *status)
{
    double value;
    const char *p = run->p, *end = run->end;
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
    if (behind - run->place > run->scanner.next - run->copied)
        run->scanner.next = run->copied + (behind - run->place);
    return true;
}

static bool more_room(struct run *run, struct mexe_memory *memory)
{
    size_t used = (size_t)(run->top - memory->base);
    if (!memory->grow || !memory->grow(memory, used))
        return false;
    run->bottom = memory->base;
    run->limit = last_top(memory);
    must(memory->base + used + LEVEL <= run->limit, "memory that has grown has room for one more");
    run->top = push(memory->base + used, &run->now);
    run->operand = true;
    return true;
}

static bool is_numeric(unsigned byte)
{
    return is_digit(byte) || byte == '.';
}

static enum mexe_status what_is_wrong(struct run *run)
{
    unsigned byte = (unsigned char)*run->p;
    enum mexe_status status;
    if (!stands_somewhere(byte))
        return MEXE_BAD_BYTE;
    if (run->operand)
        return MEXE_WANTS_OPERAND;
    if (byte != '.' || !is_digit((unsigned char)run->p[-1]))
        return byte == ')' ? MEXE_NOT_OPENED : MEXE_WANTS_OPERATOR;
    /* A point that its number may not have. */
    while (run->p > run->text && is_numeric((unsigned char)run->p[-1]))
        run->p--;
    read_hard(run, &status);
    return status;
}

/* The text has ended. */
static enum mexe_status finish(struct run *run, double *result)
{
    must((run->top - run->bottom) % LEVEL == 0, "the stack holds whole levels");
    run->p = run->end;
    if (run->operand)
        return is_blank(run->text, run->end) ? MEXE_EMPTY : MEXE_WANTS_OPERAND;
    if (run->top > run->bottom || run->now.kind >= PLAIN)
        return MEXE_NOT_CLOSED;
    *result = mexe_one_nan(total(&run->now));
    return MEXE_OK;
}

static enum mexe_status evaluate(struct run *run, double *result, struct mexe_memory *memory)
{
    enum mexe_status status;
    struct tail tail;
    if (run->end - run->text < SEEN && !take_tail(run, &tail))
        return finish(run, result);
    for (;;) {
        switch (advance(run)) {
        case OUT_OF_TOKENS:
            if (take_tail(run, &tail))
                break;
            return finish(run, result);
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
    struct run run; /* field by field: to clear what is never read would take too long */
    run.scanner.base = run.scanner.next = text;
    run.scanner.seen = text + length;
    run.scanner.marks.tokens = 0;
    run.text = run.p = run.place = run.copied = text;
    run.end = text + length;
    run.now = nothing_pending();
    run.bottom = run.top = memory->base;
    run.limit = last_top(memory);
    run.operand = true;
    enum mexe_status status = evaluate(&run, result, memory);
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
