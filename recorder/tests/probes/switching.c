/* switching.c - call chains that go on from one stack to the next, as a language's own functions for
 * that do it: the caller's frame is found by rbp.
 *
 * switching down|up|same|table TIMES: each next stack lies below the one before, above it, above it
 * in one mapping, or rbp is a lie of the unwind table's: then there is no such stack.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE (64l << 10)
#define DEPTH 5

/* on_stack(argument, function, top): rust_psm_on_stack of the psm crate. */
__asm__(
    ".text\n"
    ".globl on_stack\n"
    ".type on_stack,@function\n"
    "on_stack:\n"
    ".cfi_startproc\n"
    "push %rbp\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbp, -16\n"
    "mov %rsp, %rbp\n"
    ".cfi_def_cfa_register %rbp\n"
    "mov %rdx, %rsp\n"
    "call *%rsi\n"
    "mov %rbp, %rsp\n"
    "pop %rbp\n"
    ".cfi_def_cfa %rsp, 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size on_stack,.-on_stack\n"
    /* elsewhere(argument, function, block): its table says that the frame is found by rbp, which
         * points into a block that looks like a stack. */
    ".globl elsewhere\n"
    ".type elsewhere,@function\n"
    "elsewhere:\n"
    ".cfi_startproc\n"
    "push %rbp\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbp, -16\n"
    ".cfi_def_cfa_register %rbp\n"
    "mov %rdx, %rbp\n"
    "call *%rsi\n"
    "pop %rbp\n"
    ".cfi_def_cfa %rsp, 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size elsewhere,.-elsewhere\n");
void on_stack(long argument, void (*function)(long), char *top);
void elsewhere(long argument, void (*function)(long), char *block);

static char *stacks;
static long step;

static void deeper(long left)
{
    free(malloc(1009));
    if (left > 0)
        on_stack(left - 1, deeper, stacks + (left - 1) * step + SIZE);
    free(malloc(1013));
}

static void lie(long left)
{
    free(malloc(1009 + left));
}

int main(int argc, char **argv)
{
    int times = argc > 2 ? atoi(argv[2]) : 1;
    int up = strcmp(argv[1], "down"), prot = PROT_READ | PROT_WRITE;
    step = (up ? -2 : 2) * SIZE;
    stacks = mmap(NULL, 4 * DEPTH * SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 1; i < 4 * DEPTH && strcmp(argv[1], "same"); i += 2)
        mprotect(stacks + i * SIZE, SIZE, PROT_NONE); /* a mapping for each */
    if (up)
        stacks += 2 * DEPTH * SIZE;
    for (int i = 0; i < times; i++)
        if (!strcmp(argv[1], "table"))
            elsewhere(0, lie, stacks + SIZE / 2);
        else
            deeper(DEPTH);
    return 0;
}
