/* frames.h - what quick.S and enter.S leave on the stack, lowest address first. */
#ifndef BRKPOINT_AGENT_FRAMES_H
#define BRKPOINT_AGENT_FRAMES_H

#include "../shared.h"

/* In the low bits of `slot`: records are aligned. */
enum slot_flags {
    SLOT_TAIL = 1,     /* jumped to from inside another wrapped call: its return is that one's */
    SLOT_MEMPTR = 2,   /* posix_memalign */
    SLOT_WIDE = 4,     /* a RECORD_CALL3 */
    SLOT_LATE = 8,     /* its time stamp is that of its end: CLOCK_ORDER */
    SLOT_WRITTEN = 16, /* the result has been written, but other records may have come before it */
    SLOT_FLAGS = SLOT - 1,
    SLOT_SEARCHED = 1, /* before there is a record: quick.S has looked for the stack in vain */
};

/* Before an allocator function runs. From `slot` to `link`: WRAP_WORDS words that stay. */
struct enter_stack {
    uint64_t r11, r10, rdi, r9, r8, rsi, rdx, rcx, rax;
    uint64_t moved;  /* where to go on: the function's moved first instructions */
    uint64_t slot;   /* the record, and flags in its low bits; 0: none */
    uint64_t after;  /* `cur` behind the record */
    uint64_t arg0;   /* at first rbx */
    uint64_t thread; /* at first the number of the hook, then the thread's state */
    uint64_t
        link; /* the caller's rbp. While the function runs rbp leads here: with what follows it is a
                    * frame as any, for who walks the stack by frame pointers (sanitizers) */
    uint64_t ret; /* the caller's return address */
};

/* After it. */
struct leave_stack {
    uint64_t pad, r11, r10, r9, r8, rdi, rax, rsi, rcx, rdx;
    uint64_t slot, after, arg0, thread, link, ret;
};

/* At any other hook: every register; what is changed here the target goes on with. Above it lies
 * the red zone, then the target's own stack (host/code/emit.h, emit_hook_call). */
struct hook_stack {
    uint64_t rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax, r12, r13, r14, r15, flags;
    uint64_t stub;   /* the thunk's return address */
    uint64_t number; /* of the hook; bit 15: behind a system call */
};

#define HOOK_CALL_BYTES 15 /* of emit_hook_call, up to where its call returns to */

/* through.c: the program's unwinder looks for the table of a return address. */
void agent_find_fde(struct hook_stack *);

/* children.c: whether a system call of this number makes a thread or a process; the thread is about
 * to make a child, or is behind it, or is that child */
int makes_child(uint64_t number);
void child_begins(struct thread_state *, const struct hook_stack *);
void child_begun(struct hook_stack *, uint64_t number);

#endif
