/* instruction.h - one machine instruction, as far as moving and finding code need to know it.
 *
 * All of this is pure: bytes in, facts out. Nothing is allocated, nothing is printed, and no byte
 * beyond `code.length` is read, whatever the bytes are.
 */
#ifndef RECORDER_INSTRUCTION_H
#define RECORDER_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of the target's memory. `bytes` are a copy, which the caller owns; `address` is where
 * they stand in the target. */
struct code {
    uint64_t address;
    const uint8_t *bytes;
    size_t length;
};

enum kind {
    PLAIN,
    JUMP,          /* direct: its target is known */
    BRANCH,        /* jcc */
    LOOP,          /* loop, loope, loopne, jrcxz: only an 8-bit distance */
    CALL,          /* direct */
    JUMP_INDIRECT, /* through a register or memory */
    CALL_INDIRECT,
    RETURN,
    SYSCALL,
    STOP,           /* ud2, int3, hlt: what stands behind is not reached from here */
    PADDING,        /* nop of any length, endbr64 */
    OTHER_RELATIVE, /* xbegin, 16-bit jumps, eip-relative operands: not understood here */
};

struct instruction {
    uint64_t address;
    uint64_t target;      /* of JUMP, BRANCH, LOOP, CALL; else what a rip-relative operand means */
    const uint8_t *bytes; /* inside code.bytes */
    uint8_t length;
    uint8_t displacement; /* offset in `bytes` of a rip-relative operand's 32 bits; 0: has none */
    uint8_t modrm;        /* offset in `bytes` of the ModRM byte; 0: has none */
    uint8_t condition;    /* of BRANCH: the low four bits of its opcode */
    enum kind kind;
};

/* Decodes the instruction at `address`. False where there is none: outside of `code`, cut off at
 * its end, or not valid in 64-bit mode; *out is then undefined. */
bool instruction_at(const struct code *code, uint64_t address, struct instruction *out);

/* The address behind it. */
static inline uint64_t instruction_end(const struct instruction *i)
{
    return i->address + i->length;
}

/* A direct jump of any kind inside a function; calls are not meant. */
static inline bool instruction_branches(const struct instruction *i)
{
    return i->kind == JUMP || i->kind == BRANCH || i->kind == LOOP;
}

/* Whether nothing runs on from it into what stands behind it. */
static inline bool instruction_ends_line(const struct instruction *i)
{
    return i->kind == JUMP || i->kind == JUMP_INDIRECT || i->kind == RETURN || i->kind == STOP;
}

#endif
