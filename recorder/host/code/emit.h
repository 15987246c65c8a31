/* emit.h - writing machine code for a place in the target, into a buffer of ours.
 *
 * Failure sticks: after the first thing that did not fit, or could not be reached with 32 bits,
 * nothing more is written, and emit_failed() says so. So a caller writes all, then asks once.
 */
#ifndef RECORDER_EMIT_H
#define RECORDER_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emitter {
    uint64_t address; /* where bytes[0] will stand in the target */
    uint8_t *bytes;   /* the caller's */
    size_t room;      /* how many fit */
    size_t length;    /* how many were written */
    bool full;        /* they did not fit */
    bool far;         /* something was further than 2 GiB away */
};

/* Writes for `address` into `bytes`, which has place for `room`. */
void emit_begin(struct emitter *out, uint64_t address, uint8_t *bytes, size_t room);
static inline bool emit_failed(const struct emitter *out)
{
    return out->full || out->far;
}
static inline uint64_t emit_here(const struct emitter *out)
{
    return out->address + out->length;
}

void emit_bytes(struct emitter *out, const void *bytes, size_t count);
void emit_u32(struct emitter *out, uint32_t value);
/* The 32 bits that lead from `next`, the address behind the instruction, to `target`. */
void emit_distance(struct emitter *out, uint64_t target, uint64_t next);
void emit_jump(struct emitter *out, uint64_t target); /* jmp rel32: 5 bytes */
void emit_call(struct emitter *out, uint64_t target); /* call rel32: 5 bytes */
void emit_branch(struct emitter *out, unsigned condition, uint64_t target); /* jcc rel32: 6 bytes */
void emit_push(struct emitter *out, uint64_t value);                        /* all 64 bits of it */

/* A call of an agent's thunk that leaves no trace in the target's state (HOOK_CALL_BYTES long):
 *
 *     lea  -128(%rsp), %rsp      the red zone is skipped; no flag changes
 *     push $id                   (sign-extended from 32 bits)
 *     call thunk
 *     lea  136(%rsp), %rsp
 *
 * The thunk finds: 0(%rsp) its return address, 8(%rsp) the id; the target's own stack pointer was
 * %rsp + 16 + 128. It must leave every register and flag as it found them (save flags first), keeps
 * the direction flag clear for itself, aligns the stack itself, and ends with `ret`. What it
 * stores over a saved register is what the target goes on with. */
enum { HOOK_CALL_BYTES = 23, HOOK_RED_ZONE = 128 };
void emit_hook_call(struct emitter *out, uint64_t thunk, uint32_t id);

#endif
