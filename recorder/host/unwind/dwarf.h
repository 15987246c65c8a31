/* unwind/dwarf.h - the numbers of DWARF that unwind tables are written in, and their expressions.
 *
 * Registers: AMD64 supplement of the System V ABI, figure 3.36. DW_CFA_*: DWARF 5, section 7.24;
 * DW_CFA_GNU_*: LSB Core, "DWARF Extensions". DW_OP_*: DWARF 5, section 7.7.1.
 */
#ifndef BRKPOINT_FRAMES_DWARF_H
#define BRKPOINT_FRAMES_DWARF_H

#include "index.h"

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

/* The kind of row that finds the CFA by this expression, or UNWIND_LOST. `plt_from` is set for
 * UNWIND_PLT: the byte from which on one word more lies on the stack. */
enum unwind_kind frames_cfa_expression(struct frames_cursor code, int64_t *cfa, int64_t *plt_from);

/* Whether a register is saved at rbp + `offset`: gcc writes it so in realigned frames. */
bool frames_bp_expression(struct frames_cursor code, int64_t *offset);

#endif
