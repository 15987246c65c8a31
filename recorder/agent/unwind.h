/* unwind.h - leaving a function by the tables of unwind_format.h, inside the target.
 *
 * Freestanding: no libc, no thread-local storage, no heap, little stack. Nothing here can fault:
 * the stack is read only inside the bounds that the caller gives, code only inside a module.
 * A step is accepted only where a call instruction stands before the return address, or where the
 * frame was visibly built by hand (a signal handler's, makecontext's); else the stack is cut.
 */
#ifndef BRKPOINT_AGENT_UNWIND_H
#define BRKPOINT_AGENT_UNWIND_H

#include "../unwind_format.h"
#include "contract.h"

/* What a step comes to. From 1 on: why the stack is cut, in the numbers of both languages. */
enum unwind_result {
    UNWIND_MORE = -1, /* one frame further out */
    UNWIND_WHOLE = 0, /* a table, or a zero return address, says that nobody called */
    UNWIND_CUT_UNSUPPORTED =
        CUT_UNSUPPORTED,        /* no unwind table, and no call before the return address */
    UNWIND_CUT_DEEP = CUT_DEEP, /* the caller's own limit of frames: never returned here */
    UNWIND_CUT_UNREADABLE = CUT_UNREADABLE, /* the step leads out of the stack's bounds */
    UNWIND_CUT_UNWINDER =
        CUT_UNWINDER, /* the table says what a row cannot, or the step leads inwards */
};

/* A frame: the code and the registers it goes on with when what it called has returned. */
struct unwind_state {
    uint64_t pc; /* a return address, except behind a signal frame */
    uint64_t sp, bp, bx;
    uint64_t row; /* of pc; 0: not looked up yet. The caller sets it to 0 at the start */
    /* Of the last step, for those who remember chains: */
    uint64_t bp_from; /* the address that the caller's rbp was read from; 0: rbp did not change,
                       * or is lost, and then 0 */
    uint32_t kind;    /* enum unwind_kind of the row that was followed */
    /* Functions without a table were left by their first instructions, in a way that a debugger
     * does not know: then the stack is cut, as unsupported, at the first function that has one.
     * The caller sets it to 0 at the start; who sets it to 0 after each step goes on outwards. */
    uint32_t guessed;
};

/* Rows of return addresses. Zeroed at the start; threads and signal handlers may share one: an
 * entry that is half written, or of another version of the tables, is not believed. */
#define UNWIND_CACHE_BITS 12
struct unwind_cache {
    struct {
        uint64_t what, check; /* check: `what` and the mixed key, exclusive or */
    } entries[1 << UNWIND_CACHE_BITS];
};

/* One step outwards. `state` becomes the caller's frame, `*slot` the address that its return
 * address stood in, 0 behind a signal frame: the stack may have changed there, and so the bounds.
 * Reads the stack only inside [low, high). On any result but UNWIND_MORE pc and sp of `state` are as
 * they were, and the other registers are of no use; and `*slot` is 0, or, where the frame is not found
 * by the stack pointer, where it would be: on another stack? Its bounds may be given as [low, high):
 * only a frame on the same stack must lie outwards. unwind_step.h has it as an inline function, for
 * the one loop where it counts. */
int unwind_step(const struct unwind_tables *tables, struct unwind_cache *cache,
                struct unwind_state *state, uint64_t low, uint64_t high, uint64_t *slot);

/* The row of return address `ret` with its marks (unwind_format.h), through the cache. */
uint64_t unwind_row(const struct unwind_tables *tables, struct unwind_cache *cache, uint64_t ret);

#endif
