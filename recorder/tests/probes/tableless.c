/* tableless.c - calls of a function without an unwind table. While it allocates, a word stands on top of
 * the stack, where a debugger without a table looks for the return address: none (0), one that no call
 * stands before (13), and one that a call returned to, long ago. Argument "told": with a table; "often":
 * all three from the same places, many times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *bare(size_t size, unsigned long word), *told(size_t size, unsigned long word);

#define FUNCTION(name, begin, grown, end)                                                          \
    __asm__(".text\n.type " #name ", @function\n" #name ":\n" begin "sub $0x30, %rsp\n" grown      \
            "mov %rsi, (%rsp)\ncall malloc@PLT\nadd $0x30, %rsp\npop %rbx\nret\n" end              \
            ".size " #name ", . - " #name "\n")
FUNCTION(bare, "push %rbx\n", "", "");
FUNCTION(told, ".cfi_startproc\npush %rbx\n.cfi_adjust_cfa_offset 8\n",
         ".cfi_adjust_cfa_offset 0x30\n", ".cfi_endproc\n");

static __attribute__((noinline)) unsigned long behind_a_call(void)
{
    return (unsigned long)__builtin_return_address(0);
}

int main(int argc, char **argv)
{
    void *(*function)(size_t, unsigned long) = argc > 1 && !strcmp(argv[1], "told") ? told : bare;
    unsigned long words[] = {behind_a_call(), 0, 13};
    for (int i = 0; i < 3027 && argc > 1 && !strcmp(argv[1], "often"); i++)
        free(function(1021, words[i % 3]));
    free(function(1009, behind_a_call()));
    free(function(1013, 0)); /* from places of their own: no stack is one that was seen before */
    free(function(1019, 13));
    return 0;
}
