/* agent.h - the code that runs inside the target: freestanding, position-independent, no libc,
 * no TLS, no heap, little stack. Everything it keeps lies in the data area (../shared.h).
 */
#ifndef BRKPOINT_AGENT_H
#define BRKPOINT_AGENT_H

#include "../shared.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define AGENT_COLD __attribute__((noinline, cold))

/* Patched by the host at the start of the code area. */
extern const struct code_head code_head __attribute__((visibility("hidden")));

static inline struct area_head *area(void)
{
    return (struct area_head *)code_head.area;
}

static inline void *in_area(uint64_t offset)
{
    return (char *)code_head.area + offset;
}

static inline struct chunk *chunk_at(uint32_t index)
{
    return in_area(AREA_CHUNKS_AT + (uint64_t)index * CHUNK_SIZE);
}

static inline uint64_t load(uint64_t address)
{
    return *(const volatile uint64_t *)address;
}

/* A raw system call. Used when a thread introduces itself, never at an event. */
static inline long raw_syscall(long number, long a, long b)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long raw_syscall3(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long raw_syscall4(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

/* ---- thread.c: who runs here --------------------------------------------------------------- */

/* The state of the running thread, whose pointer `fs` is not known yet; NULL where nothing is to be
 * recorded. event.h has thread_find(), for those that are known. */
AGENT_COLD struct thread_state *thread_meet(uint64_t fs, uint64_t sp);
/* A forked child has this number, as the kernel wrote it: it need not ask. */
void thread_is_alone(uint32_t pid);
int thread_is_guest(const struct thread_state *t);
int thread_is_lent(const struct thread_state *t);
/* Its pointer, where it cannot be read without a system call. */
AGENT_COLD uint64_t thread_pointer_asked(void);
/* Forget whoever was known by this thread pointer: a new thread will have it. */
void thread_forget(uint64_t fs);
/* A thread will come with this thread pointer; the kernel writes its number to `tid_at` (0: not). */
void thread_expect(uint64_t fs, uint64_t tid_at);
/* The thread, or its whole process, ends. */
void thread_ends(struct thread_state *);

/* ---- ring.c: records on their way out ------------------------------------------------------ */

/* Continue in another chunk than the one of `cur`; 0 where there is none: the host is gone. */
AGENT_COLD int ring_next_chunk(struct thread_state *, uint64_t cur);
/* Ask the host and wait for the answer; zeros where the host is gone. */
struct answer {
    uint64_t first, second;
};
struct answer ask_host(struct thread_state *, uint32_t kind, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d);

/* ---- path.c ---- */

/* Tell the host which file the descriptor is of; 0: it must find out itself. */
int path_told(struct thread_state *, uint32_t fd);

/* ---- memo.c: stacks ------------------------------------------------------------------------ */

/* A node that stands for the stack whose innermost return address `ret` stands in `slot`; 0: to be asked
 * again, for a signal's handler has made a child meanwhile. event.h has stack_at_entry(), for stacks that
 * are remembered. */
AGENT_COLD uint32_t stack_unwound(struct thread_state *, uint64_t slot, uint64_t ret, uint64_t bp,
                                  uint64_t bx);
/* The same at any instruction: slot and return address are found by unwinding from pc, sp. */
uint32_t stack_at_pc(struct thread_state *, uint64_t pc, uint64_t sp, uint64_t bp, uint64_t bx);
/* Nothing is remembered of the stacks so far. Until `memo_busy` is set to 0 only the caller remembers any;
 * `slot`: an address on its stack, outside of all that signals may bring. */
AGENT_COLD void memo_begin_anew(struct thread_state *, uint64_t slot);

/* check.c, of an agent that is built to be tested. */
void check_stack(const struct thread_state *, uint64_t slot, uint64_t ret, uint64_t bp, uint64_t bx,
                 uint32_t node);

#endif
