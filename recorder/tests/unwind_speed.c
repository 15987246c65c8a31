/* unwind_speed.c - what a full unwinding costs, beside libunwind's cached unw_backtrace in the same
 * process and the same frames. Prints nanoseconds for one frame; every walk is checked to be equal.
 *
 *     unwind_speed [ROUNDS]
 */
#include "agent/unwind_step.h"
#include "unwind_here.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <time.h>

#define MAX_FRAMES 256

static struct unwind_tables *tables;
static struct unwind_cache cache;
static uint64_t stack_low, stack_high;
static long rounds = 200000;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static __attribute__((noinline)) int own(void **pcs, const struct unwind_state *from)
{
    struct unwind_state state = *from;
    uint64_t slot;
    int count = 0;
    while (count < MAX_FRAMES &&
           unwind_step_inline(tables, &cache, &state, stack_low, stack_high, &slot) == UNWIND_MORE)
        pcs[count++] = (void *)state.pc;
    return count;
}

/* The registers here: at the label behind `lea`. */
#define HERE(state)                                                                                \
    __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rax, %0; mov %%rsp, %1; mov %%rbp, %2; "         \
                     "mov %%rbx, %3; 1:"                                                           \
                     : "=m"((state).pc), "=m"((state).sp), "=m"((state).bp), "=m"((state).bx)      \
                     :                                                                             \
                     : "rax")

/* Run the loop `rounds` times and keep the least time of five: the machine is shared. */
#define MEASURE(best, statement)                                                                   \
    do {                                                                                           \
        best = 1e30;                                                                               \
        for (int try = 0; try < 5; try++) {                                                        \
            double start = now_ns();                                                               \
            for (long i = 0; i < rounds; i++)                                                      \
                statement;                                                                         \
            double spent = (now_ns() - start) / rounds;                                            \
            best = spent < best ? spent : best;                                                    \
        }                                                                                          \
    } while (0)

static __attribute__((noinline)) int measure(int depth)
{
    static void *ours[MAX_FRAMES], *theirs[MAX_FRAMES];
    struct unwind_state state = {0};
    double own_ns, cold_ns, their_ns;
    int count = 0, their_count = 0;
    HERE(state);
    MEASURE(own_ns, count = own(ours, &state));
    MEASURE(cold_ns, (tables->version++, count = own(ours, &state)));
    MEASURE(their_ns, their_count = unw_backtrace(theirs, MAX_FRAMES));
    /* unw_backtrace begins with this function itself */
    bool equal = their_count - 1 >= count && !memcmp(ours, theirs + 1, count * sizeof *ours);
    printf("%2d calls deep: %d frames, ours %.1f ns a frame (%.0f a walk, %.1f a frame that is "
           "new), unw_backtrace %.1f "
           "(%.0f a walk), %s\n",
           depth, count, own_ns / count, own_ns, cold_ns / count, their_ns / their_count, their_ns,
           equal ? "equal" : "different");
    return !equal;
}

static int (*volatile target)(int depth);

/* A frame that keeps registers, as real ones do. */
static __attribute__((noinline)) int descend(int left, int depth)
{
    volatile int kept[4] = {left, depth};
    int result = left ? descend(left - 1, depth) : target(depth);
    return result + kept[2];
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atol(argv[1]);
    tables = here_tables(&stack_low, &stack_high);
    target = measure;
    return descend(3, 7) + descend(27, 31);
}
