/* move.h - writing one instruction anew at another address, so that it does the same there. */
#ifndef RECORDER_MOVE_H
#define RECORDER_MOVE_H

#include "emit.h"
#include "instruction.h"

/* Why code is left as it is. */
enum refusal {
    MOVED = 0,
    NOT_CODE,      /* the bytes are no instructions */
    TOO_SHORT,     /* the function, with the padding behind it, has less room than a jump */
    BRANCHED_INTO, /* a jump leads to the inside of the bytes that would be overwritten */
    CALL_INSIDE,   /* a call that is not the last to be moved: its return address is inside */
    NOT_MOVABLE,   /* xbegin, 16-bit jumps, calls through the stack pointer */
    TOO_FAR,       /* the copy stands more than 2 GiB from what it refers to */
    TOO_LONG,      /* the copy does not fit into its place */
    SIGNAL_RETURN, /* unwinders know a signal's frame by these bytes */
    CANCELLATION,  /* a libc compares the pc with this very place to cancel threads */
    IN_USE,        /* a thread stands inside, and cannot be moved away */
    CHANGED,       /* memory has other bytes than its file */
    REFUSALS,      /* how many there are */
};

/* One sentence, static. */
const char *refusal_text(enum refusal refusal);

/* Writes `i` for the place where `out` stands. Jumps become 32 bits wide, rip-relative operands
 * are turned, a call pushes the return address of the original and jumps: it returns to the
 * original code, and a stack looks as ever. The flags, the registers and the red zone stay as the
 * original leaves them. */
enum refusal move_instruction(struct emitter *out, const struct instruction *i);

/* What stopped the writer, as a refusal. */
enum refusal emit_refusal(const struct emitter *out);

#endif
