/* unwind/instructions.c - the call frame instructions of one function, made into rows.
 *
 * Registers: AMD64 supplement of the System V ABI, figure 3.36. DW_CFA_*: DWARF 5, sections 6.4.2
 * and 7.24; DW_CFA_GNU_*: LSB Core, "DWARF Extensions". DW_OP_*: DWARF 5, section 7.7.1. Only what finds the caller is followed: the CFA, and where rbp, rbx and
 * the return address are.
 */
#include "index.h"

#include <string.h>

enum { RBX = 3, RBP = 6, RSP = 7, RETURN = 16 };

enum { /* DW_CFA_*: the first three hold their operand in the low 6 bits */
       ADVANCE_LOC = 0x40,
       OFFSET = 0x80,
       RESTORE = 0xc0,
       NOP = 0,
       SET_LOC,
       ADVANCE_LOC1,
       ADVANCE_LOC2,
       ADVANCE_LOC4,
       OFFSET_EXTENDED,
       RESTORE_EXTENDED,
       UNDEFINED,
       SAME_VALUE,
       REGISTER,
       REMEMBER_STATE,
       RESTORE_STATE,
       DEF_CFA,
       DEF_CFA_REGISTER,
       DEF_CFA_OFFSET,
       DEF_CFA_EXPRESSION,
       EXPRESSION,
       OFFSET_EXTENDED_SF,
       DEF_CFA_SF,
       DEF_CFA_OFFSET_SF,
       VAL_OFFSET,
       VAL_OFFSET_SF,
       VAL_EXPRESSION,
       GNU_ARGS_SIZE = 0x2e,
       GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

enum { DEREF = 0x06, PLUS_UCONST = 0x23, BREG0 = 0x70 }; /* DW_OP_* */

/* ---- the few expressions that compilers and linkers write ---- */

/* breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus: rsp + 8, plus 8 from byte N of each 16
 * on, as linkers write it for the PLT. */
static bool is_plt(struct reading code, int64_t *from)
{
    static const uint8_t pattern[] = {0x77, 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22};
    if (code.end - code.at != sizeof pattern || code.at[6] < 0x30 || code.at[6] > 0x3f)
        return false;
    *from = code.at[6] - 0x30;
    return !memcmp(code.at, pattern, 6) && !memcmp(code.at + 7, pattern + 7, 4);
}

/* The kind of row that finds the CFA by this expression, or UNWIND_LOST. `plt_from` is set for
 * UNWIND_PLT: the byte from which on one word more lies on the stack.
 * breg6 N, deref (gcc's realigned table); breg7 N, deref, plus_uconst 8 (OpenSSL). */
static enum unwind_kind read_cfa_expression(struct reading code, int64_t *cfa, int64_t *plt_from)
{
    *cfa = 8;
    if (is_plt(code, plt_from))
        return UNWIND_PLT;
    unsigned base = number(&code, 1) - BREG0;
    *cfa = sleb(&code);
    bool deref = number(&code, 1) == DEREF && !code.bad;
    if (deref && base == RBP && code.at == code.end)
        return UNWIND_AT_BP;
    if (deref && base == RSP && number(&code, 1) == PLUS_UCONST && uleb(&code) == 8 &&
        code.at == code.end && !code.bad)
        return UNWIND_AT_SP;
    return UNWIND_LOST;
}

/* Whether a register is saved at rbp + `offset`: gcc writes it so in realigned table. */
static bool read_bp_expression(struct reading code, int64_t *offset)
{
    bool from_bp = number(&code, 1) == BREG0 + RBP;
    *offset = sleb(&code);
    return from_bp && !code.bad && code.at == code.end;
}

/* ---- the instructions ---- */

/* Where a register of the caller is. */
struct rule {
    enum { SAME, AT_CFA, AT_BP, NOWHERE, ELSEWHERE } how; /* NOWHERE: undefined */
    int64_t offset;
};

struct state {
    unsigned kind, cfa_register; /* of `kind` UNWIND_SP, _BP or _BX follows the register */
    int64_t cfa, plt_from;
    struct rule bp, bx, ret;
};

#define MAX_REMEMBERED 16

struct run {
    struct unwind_rows *table;
    const struct rows_cie *cie;
    struct rows_range range;
    uint64_t mark, location;
    struct state now, initial, remembered[MAX_REMEMBERED];
    unsigned depth;
    struct reading cursor;
};

static struct rule *rule_of(struct state *state, uint64_t column)
{
    if (column == RBP)
        return &state->bp;
    if (column == RBX)
        return &state->bx;
    return column == RETURN ? &state->ret : NULL;
}

static void set(struct run *run, uint64_t column, int how, int64_t offset)
{
    struct rule *rule = rule_of(&run->now, column);
    if (rule)
        *rule = (struct rule){how, offset};
}

static void restore(struct run *run, uint64_t column)
{
    struct rule *rule = rule_of(&run->now, column);
    if (rule)
        *rule = *rule_of(&run->initial, column);
}

static void cfa_from(struct run *run, uint64_t column)
{
    run->now.cfa_register = column < 17 ? column : 17;
    run->now.kind = column == RSP   ? UNWIND_SP
                    : column == RBP ? UNWIND_BP
                    : column == RBX ? UNWIND_BX
                                    : UNWIND_LOST;
}

/* The field of a row for a saved register, or UNWIND_GONE. */
static int64_t saved(const struct rule *rule, bool from_bp)
{
    int64_t words = rule->offset / 8;
    if (rule->how == SAME || rule->how == NOWHERE)
        return UNWIND_SAME;
    if (rule->how != (from_bp ? AT_BP : AT_CFA) || rule->offset % 8 || words > UNWIND_WORDS_MAX ||
        words < -UNWIND_WORDS_MAX)
        return UNWIND_GONE;
    return words;
}

static uint64_t encode(const struct run *run)
{
    const struct state *now = &run->now;
    if (run->cie->is_signal)
        return UNWIND_SIGNAL;
    if (now->ret.how == NOWHERE)
        return UNWIND_END;
    if (now->kind == UNWIND_LOST || now->ret.how != AT_CFA || now->ret.offset != -8 ||
        now->cfa % 8 || now->cfa / 8 >= UNWIND_CFA_MAX || now->cfa / 8 < -UNWIND_CFA_MAX)
        return UNWIND_LOST;
    bool from_bp = now->kind == UNWIND_AT_BP;
    int64_t bp = now->kind == UNWIND_PLT ? now->plt_from : saved(&now->bp, from_bp);
    if (from_bp && now->bp.how == AT_BP && now->bp.offset == 0)
        bp = 0; /* the usual `push %rbp; mov %rsp, %rbp`: the word at rbp itself */
    else if (from_bp && now->bp.how == SAME)
        bp = UNWIND_GONE;
    return rows_what(now->kind, now->cfa / 8, bp, saved(&now->bx, from_bp));
}

static void emit(const struct run *run)
{
    if (run->location < run->range.high && run->location >= run->range.low)
        rows_add(run->table, run->location, encode(run) | run->mark);
}

static void advance(struct run *run, uint64_t delta)
{
    emit(run);
    run->location += delta * run->cie->code_align;
    if (run->location < run->range.low)
        run->cursor.bad = true;
}

static struct reading block(struct run *run)
{
    struct reading *from = &run->cursor;
    uint64_t size = uleb(from);
    if (size > (size_t)(from->end - from->at)) {
        from->bad = true;
        size = 0;
    }
    struct reading code = {from->at, from->at + size, false};
    from->at = code.end;
    return code;
}

static void cfa_expression(struct run *run)
{
    run->now.cfa_register = 17;
    run->now.kind = read_cfa_expression(block(run), &run->now.cfa, &run->now.plt_from);
}

static void saved_by_expression(struct run *run)
{
    uint64_t column = uleb(&run->cursor);
    int64_t offset = 0;
    bool from_bp = read_bp_expression(block(run), &offset);
    set(run, column, from_bp ? AT_BP : ELSEWHERE, offset);
}

static void remember(struct run *run)
{
    if (run->depth < MAX_REMEMBERED)
        run->remembered[run->depth++] = run->now;
    else
        run->cursor.bad = true;
}

static void recall(struct run *run)
{
    if (run->depth)
        run->now = run->remembered[--run->depth];
    else
        run->cursor.bad = true;
}

static void def_cfa(struct run *run, uint64_t column, int64_t offset)
{
    cfa_from(run, column);
    run->now.cfa = offset;
}

static int64_t scaled(const struct run *run, int64_t value)
{
    return (int64_t)((uint64_t)value * (uint64_t)run->cie->data_align);
}

static void offset_of(struct run *run, uint64_t column, int64_t value)
{
    set(run, column, AT_CFA, scaled(run, value));
}

static void def_cfa_offset(struct run *run, int64_t offset)
{
    run->now.cfa = offset;
    if (run->now.cfa_register == 17)
        run->now.kind = UNWIND_LOST; /* an offset has no meaning after an expression */
}

static void moved_elsewhere(struct run *run, bool with_operand)
{
    uint64_t column = uleb(&run->cursor);
    if (with_operand)
        uleb(&run->cursor);
    else
        block(run);
    set(run, column, ELSEWHERE, 0);
}

/* Instructions about single registers. False: none of them. */
static bool register_instruction(struct run *run, uint8_t code)
{
    struct reading *from = &run->cursor;
    uint64_t column;
    switch (code) {
    case OFFSET_EXTENDED:
        column = uleb(from);
        offset_of(run, column, uleb(from));
        return true;
    case OFFSET_EXTENDED_SF:
        column = uleb(from);
        offset_of(run, column, sleb(from));
        return true;
    case GNU_NEGATIVE_OFFSET_EXTENDED:
        column = uleb(from);
        offset_of(run, column, -(int64_t)uleb(from));
        return true;
    case RESTORE_EXTENDED:
        restore(run, uleb(from));
        return true;
    case UNDEFINED:
        set(run, uleb(from), NOWHERE, 0);
        return true;
    case SAME_VALUE:
        set(run, uleb(from), SAME, 0);
        return true;
    case EXPRESSION:
        saved_by_expression(run);
        return true;
    case REGISTER:
    case VAL_OFFSET:
    case VAL_OFFSET_SF:
    case VAL_EXPRESSION:
        moved_elsewhere(run, code != VAL_EXPRESSION);
        return true;
    }
    return false;
}

/* Instructions about the CFA, the location and the whole state. */
static void other_instruction(struct run *run, uint8_t code)
{
    struct reading *from = &run->cursor;
    uint64_t column;
    switch (code) {
    case GNU_ARGS_SIZE:
        uleb(from); /* fall through */
    case NOP:
        return;
    case ADVANCE_LOC1:
        return advance(run, number(from, 1));
    case ADVANCE_LOC2:
        return advance(run, number(from, 2));
    case ADVANCE_LOC4:
        return advance(run, number(from, 4));
    case REMEMBER_STATE:
        return remember(run);
    case RESTORE_STATE:
        return recall(run);
    case DEF_CFA:
        column = uleb(from);
        return def_cfa(run, column, uleb(from));
    case DEF_CFA_SF:
        column = uleb(from);
        return def_cfa(run, column, scaled(run, sleb(from)));
    case DEF_CFA_REGISTER:
        return cfa_from(run, uleb(from));
    case DEF_CFA_OFFSET:
        return def_cfa_offset(run, uleb(from));
    case DEF_CFA_OFFSET_SF:
        return def_cfa_offset(run, scaled(run, sleb(from)));
    case DEF_CFA_EXPRESSION:
        return cfa_expression(run);
    }
    from->bad = true; /* SET_LOC, and what nobody writes */
}

static void execute(struct run *run, const uint8_t *code, const uint8_t *end)
{
    run->cursor = (struct reading){code, end, false};
    while (run->cursor.at < end && !run->cursor.bad && !run->table->failed) {
        uint8_t byte = *run->cursor.at++;
        if ((byte & 0xc0) == ADVANCE_LOC)
            advance(run, byte & 0x3f);
        else if ((byte & 0xc0) == OFFSET)
            offset_of(run, byte & 0x3f, uleb(&run->cursor));
        else if ((byte & 0xc0) == RESTORE)
            restore(run, byte & 0x3f);
        else if (!register_instruction(run, byte))
            other_instruction(run, byte);
    }
}

void rows_run(struct unwind_rows *table, const struct rows_cie *cie, const struct rows_entry *entry)
{
    struct run run = {.table = table, .cie = cie, .range = entry->range, .now.kind = UNWIND_LOST};
    size_t cost = (cie->code_end - cie->code) + (entry->code_end - entry->code);
    if (cost > table->budget)
        return;
    table->budget -= cost;
    run.mark = entry->is_extra ? UNWIND_SYNTHETIC : 0;
    run.location = UINT64_MAX; /* a CIE's instructions make no rows */
    execute(&run, cie->code, cie->code_end);
    run.initial = run.now;
    run.depth = 0;
    run.location = entry->range.low;
    if (!run.cursor.bad && cie->return_column == RETURN)
        execute(&run, entry->code, entry->code_end);
    if (run.cursor.bad || cie->return_column != RETURN)
        rows_add(table, run.location < entry->range.high ? run.location : entry->range.low,
                 UNWIND_LOST | run.mark);
    else
        emit(&run);
}
