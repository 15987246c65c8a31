/* move.c - writing one instruction anew at another address (move.h). */
#include "move.h"

#include <string.h>

const char *refusal_text(enum refusal refusal)
{
    static const char *const texts[REFUSALS] = {
        [MOVED] = "moved",
        [NOT_CODE] = "its bytes are not valid instructions",
        [TOO_SHORT] = "it is shorter than a jump, and other code follows",
        [BRANCHED_INTO] = "a jump leads to the inside of its first bytes",
        [CALL_INSIDE] = "a call in it would return to the inside of the bytes overwritten",
        [NOT_MOVABLE] = "an instruction in it works only where it stands",
        [TOO_FAR] = "what it refers to is more than 2 GiB from its new place",
        [TOO_LONG] = "its copy does not fit",
        [SIGNAL_RETURN] = "it returns from signals, and is known by its bytes",
        [CANCELLATION] = "its libc cancels threads by the address of this system call",
        [IN_USE] = "a thread of the running program stands in it",
        [CHANGED] = "its code in memory is not its file's",
    };
    return refusal < REFUSALS ? texts[refusal] : "unknown";
}

enum refusal emit_refusal(const struct emitter *out)
{
    return out->far ? TOO_FAR : out->full ? TOO_LONG : MOVED;
}

/* With the rip-relative operand, if it has one, turned for its new place. */
static void move_plain(struct emitter *out, const struct instruction *i)
{
    uint64_t next = emit_here(out) + i->length;
    if (i->displacement == 0) {
        emit_bytes(out, i->bytes, i->length);
        return;
    }
    unsigned behind = i->displacement + 4;
    emit_bytes(out, i->bytes, i->displacement);
    emit_distance(out, i->target, next);
    emit_bytes(out, i->bytes + behind, i->length - behind);
}

/* `loop target`: loop 1f; jmp 2f; 1: jmp target; 2: */
static void move_loop(struct emitter *out, const struct instruction *i)
{
    static const uint8_t hops[] = {0x02, 0xEB, 0x05};
    emit_bytes(out, i->bytes, i->length - 1); /* prefixes and opcode; the distance is last */
    emit_bytes(out, hops, sizeof hops);
    emit_jump(out, i->target);
}

/* Whether the operand of an indirect call is reckoned from the stack pointer, which a push moves. */
static bool uses_stack_pointer(const struct instruction *i)
{
    uint8_t modrm = i->bytes[i->modrm], mod = modrm >> 6, rm = modrm & 7;
    uint8_t rex = i->modrm >= 2 ? i->bytes[i->modrm - 2] : 0;
    bool extended = (rex & 0xF1) == 0x41; /* REX.B: r12 */
    if (rm != 4 || extended)
        return false;
    return mod == 3 || (i->bytes[i->modrm + 1] & 7) == 4; /* call *%rsp, or with it as the base */
}

/* `call *X`: push the return address; jmp *X. They differ in three bits of ModRM (/2 and /4). */
static enum refusal move_call_indirect(struct emitter *out, const struct instruction *i)
{
    uint8_t bytes[15];
    struct instruction jump = *i;
    if (i->modrm == 0 || (i->bytes[i->modrm] >> 3 & 7) != 2 || uses_stack_pointer(i))
        return NOT_MOVABLE;
    memcpy(bytes, i->bytes, i->length);
    bytes[i->modrm] = (uint8_t)((bytes[i->modrm] & ~0x38) | 4 << 3);
    jump.bytes = bytes;
    emit_push(out, instruction_end(i));
    move_plain(out, &jump);
    return MOVED;
}

enum refusal move_instruction(struct emitter *out, const struct instruction *i)
{
    switch (i->kind) {
    case JUMP:
        emit_jump(out, i->target);
        break;
    case BRANCH:
        emit_branch(out, i->condition, i->target);
        break;
    case LOOP:
        move_loop(out, i);
        break;
    case CALL:
        emit_push(out, instruction_end(i));
        emit_jump(out, i->target);
        break;
    case CALL_INDIRECT:
        if (move_call_indirect(out, i) != MOVED)
            return NOT_MOVABLE;
        break;
    case OTHER_RELATIVE:
        return NOT_MOVABLE;
    default:
        move_plain(out, i);
    }
    return emit_refusal(out);
}
