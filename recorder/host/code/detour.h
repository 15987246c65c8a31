/* detour.h - freeing the first bytes of a function for a jump to somewhere else.
 *
 * The instructions at the function's entry are copied to another place, so that they do there what
 * they did here, followed by a jump back behind them: running the copy is running the function.
 * Only the bytes of the jump are then overwritten; what else was copied stays where it is, and is
 * still right when something jumps there.
 *
 *     free:    endbr64                 free:    endbr64
 *     patch:   push %rbp               patch:   jmp  DETOUR
 *              mov  %rsp,%rbp                   ...
 *              test %rdi,%rdi          behind:  je   1f
 *     behind:  je   1f
 *                                      copy:    push %rbp; mov %rsp,%rbp; test %rdi,%rdi
 *                                               jmp  behind
 *
 * A jump into the bytes overwritten forbids it. Those of the function itself are seen here; for
 * jumps from other functions ask find_branches_into() about moved_range().
 *
 * Pure functions on bytes: they read and write only what they are given.
 */
#ifndef RECORDER_DETOUR_H
#define RECORDER_DETOUR_H

#include "branches.h"
#include "move.h"

enum {
    JUMP_BYTES = 5,        /* jmp rel32 */
    SHORT_JUMP_BYTES = 2,  /* jmp rel8, to a jmp rel32 near by */
    DETOUR_NEED_MAX = 16,  /* the most bytes that can be asked for */
    DETOUR_COPY_MAX = 384, /* the longest copy */
    DETOUR_STEPS_MAX = DETOUR_NEED_MAX + 1,
};

/* A function: `code` begins at its entry and reaches at least to its end, better to where the next
 * function begins, since padding there can be overwritten. `extent` is the length of the function
 * itself, by its symbol or unwind table; 0 where it is not known: then all of `code` counts. */
struct function {
    struct code code;
    size_t extent;
};

/* An instruction that was moved: where it stood from `patch` on, and where it stands from the
 * copy's first byte on. The jump back counts as the instruction behind those displaced. */
struct moved_step {
    uint8_t from;
    uint16_t to;
};

struct moved {
    uint64_t patch;     /* where the jump goes: the entry, or behind its endbr64 */
    unsigned displaced; /* bytes of whole instructions from `patch` that were copied, or, where
                            the function ends before, bytes to overwrite, padding included */
    uint64_t copy;      /* where the copy stands, as was asked for */
    uint8_t bytes[DETOUR_COPY_MAX];
    unsigned length;  /* of the copy, with the jump back */
    bool calls;       /* a call was moved: its return address is pushed, which a processor that
                         keeps a shadow stack (CET) does not forgive */
    bool branched_to; /* the function jumps to `patch` itself: such a jump enters the detour too */
    unsigned count;
    struct moved_step steps[DETOUR_STEPS_MAX];
};

/* Copies the entry of `function` for `copy`, freeing at least `need` bytes (JUMP_BYTES or SHORT_JUMP_BYTES, at most
 * DETOUR_NEED_MAX) from out->patch on. MOVED, or why not; *out is then undefined. */
enum refusal detour_entry(const struct function *function, unsigned need, uint64_t copy,
                          struct moved *out);

/* The same in two steps: what the whole function's code says, wherever it lies; and the rest. */
struct detour_looked {
    enum refusal refusal;
    bool branched_to;
};
struct detour_looked detour_look(const struct function *function, unsigned need);
enum refusal detour_entry_looked(const struct function *function, unsigned need,
                                 struct detour_looked looked, uint64_t copy, struct moved *out);

/* Where no jump may lead to, for find_branches_into(). */
static inline struct range moved_range(const struct moved *moved)
{
    return (struct range){moved->patch + 1, moved->patch + JUMP_BYTES, false};
}

/* The five bytes to write at moved->patch, for a detour at `detour`. False: too far. */
bool detour_jump(const struct moved *moved, uint64_t detour, uint8_t bytes[JUMP_BYTES]);

/* For a thread that stands in the bytes overwritten: where it goes on in the copy; 0 where `pc` is
 * not the start of an instruction that was moved. */
uint64_t moved_into_copy(const struct moved *moved, uint64_t pc);

/* For a thread or a frame inside the copy: the address of the original that it stands for, by
 * which unwind tables and symbols are looked up; 0 where `pc` is not in the copy. */
uint64_t moved_from_copy(const struct moved *moved, uint64_t pc);

#endif
