/* unwind/dwarf.c - the few DWARF expressions that compilers and linkers write into unwind tables. */
#include "dwarf.h"

#include <string.h>

enum { DEREF = 0x06, PLUS_UCONST = 0x23, BREG0 = 0x70 }; /* DW_OP_* */

/* breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus: rsp + 8, plus 8 from byte N of each 16
 * on, as linkers write it for the PLT. */
static bool is_plt(struct frames_cursor code, int64_t *from)
{
    static const uint8_t pattern[] = {0x77, 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22};
    if (code.end - code.at != sizeof pattern || code.at[6] < 0x30 || code.at[6] > 0x3f)
        return false;
    *from = code.at[6] - 0x30;
    return !memcmp(code.at, pattern, 6) && !memcmp(code.at + 7, pattern + 7, 4);
}

/* breg6 N, deref (gcc's realigned frames); breg7 N, deref, plus_uconst 8 (OpenSSL). */
enum unwind_kind frames_cfa_expression(struct frames_cursor code, int64_t *cfa, int64_t *plt_from)
{
    *cfa = 8;
    if (is_plt(code, plt_from))
        return UNWIND_PLT;
    unsigned base = frames_fixed(&code, 1) - BREG0;
    *cfa = frames_sleb(&code);
    bool deref = frames_fixed(&code, 1) == DEREF && !code.bad;
    if (deref && base == RBP && code.at == code.end)
        return UNWIND_AT_BP;
    if (deref && base == RSP && frames_fixed(&code, 1) == PLUS_UCONST && frames_uleb(&code) == 8 &&
        code.at == code.end && !code.bad)
        return UNWIND_AT_SP;
    return UNWIND_LOST;
}

bool frames_bp_expression(struct frames_cursor code, int64_t *offset)
{
    bool from_bp = frames_fixed(&code, 1) == BREG0 + RBP;
    *offset = frames_sleb(&code);
    return from_bp && !code.bad && code.at == code.end;
}
