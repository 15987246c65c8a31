"""Where the breakpoint engine does the work of an instruction itself, and where gdb must step."""

import pytest
from engine_runs import calls, compile_c, record

HASTY = "gdb-scripts/checks/engine_hasty.py"

# Allocators whose beginnings and ends are next to each other: valloc jumps to malloc's first
# instruction, malloc returns to the end of pvalloc, and free has one instruction.
NEIGHBOURS = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
void *valloc(size_t), *pvalloc(size_t);
__asm__(".macro allocator name\\n"
        ".globl \\\\name\\n .type \\\\name, @function\\n \\\\name: .cfi_startproc\\n .endm\\n"
        ".macro end name\\n .cfi_endproc\\n .size \\\\name, . - \\\\name\\n .endm\\n"
        "allocator malloc\\n push %rbx\\n lea pool(%rip), %rax\\n pop %rbx\\n ret\\n end malloc\\n"
        "allocator valloc\\n jmp malloc\\n end valloc\\n"
        "allocator pvalloc\\n call malloc\\n ret\\n end pvalloc\\n"
        "allocator free\\n ret\\n end free\\n"
        ".lcomm pool, 4096\\n");
int main(int argc, char **argv)
{
    long result = 0;
    if (argc > 1) /* ARCH_SHSTK_ENABLE, ARCH_SHSTK_SHSTK: glibc's, where a program wants it */
        __asm__ volatile("syscall" : "=a"(result) : "0"(SYS_arch_prctl), "D"(0x5001), "S"(1) :
                         "rcx", "r11", "memory");
    for (int i = 0; i < 7; i++) {
        free(malloc(1009));
        free(valloc(1013));
        free(pvalloc(1019));
    }
    _exit(0);
}
"""
EACH = [("malloc", 1009), ("free", None), ("valloc", 1013), ("free", None), ("pvalloc", 1019)]


def neighbours(folder, *words, engine="gdb-scripts/engine.py"):
    program = compile_c(folder, NEIGHBOURS)
    recorded, printed = record(folder, program, *words, engine=engine)
    assert "outcome exited 0 True" in printed
    return recorded


def is_all_there(recorded):
    """Whether each call was seen, from its beginning to its end."""
    mine = [e for e in recorded.events if e.kind == "call" and e.phase == "main"]
    nested = [e for e in mine if e.outer is not None]
    ended = all(event.dur_ns is not None for event in mine)
    found = calls(recorded) == [*EACH, ("free", None)] * 7 and ended
    return found and [e.size for e in nested] == [1013, 1019] * 7


def test_breakpoints_next_to_each_other_are_all_hit(tmp_path):
    recorded = neighbours(tmp_path)
    assert is_all_there(recorded)
    # malloc's push 21 times; its ret, but for the one into pvalloc; pvalloc's ret. valloc's jump
    # and free's lone ret are gdb's, and of pvalloc's call we know nothing.
    assert recorded.cost["unstepped"] >= 7 * (3 + 2 + 1)


def test_without_care_some_are_not(tmp_path):
    assert not is_all_there(neighbours(tmp_path, engine=HASTY))


def test_a_processor_that_keeps_return_addresses_sees_each_return(tmp_path):
    """Whether it can or not: from the system call that asks for it gdb steps."""
    usual, shadowed = neighbours(tmp_path), neighbours(tmp_path, "shadow")
    assert is_all_there(shadowed)
    assert usual.cost["unstepped"] - shadowed.cost["unstepped"] == 7 * (3 + 2 + 1)


# memalign's only instruction lies before malloc's first one.
FALLING = """
#include <stdlib.h>
void *memalign(size_t, size_t);
__asm__(".globl memalign, malloc\\n .type memalign, @function\\n .type malloc, @function\\n"
        "memalign: .cfi_startproc\\n mov %rsi, %rdi\\n .cfi_endproc\\n"
        ".size memalign, . - memalign\\n"
        "malloc: .cfi_startproc\\n lea (%rdi,%rdi), %rax\\n ret\\n .cfi_endproc\\n"
        ".size malloc, . - malloc\\n");
int main(void)
{
    for (int i = 0; i < 7; i++)
        if (memalign(64, 1021) != (void *)2042)
            return 1;
    return 0;
}
"""


def nested_in_memalign(folder, engine="gdb-scripts/engine.py"):
    recorded, printed = record(folder, compile_c(folder, FALLING), engine=engine)
    assert "outcome exited 0 True" in printed
    mine = [e for e in recorded.events if e.name == "malloc" and e.phase == "main"]
    return [e.size for e in mine if e.outer is not None]


def test_a_function_that_begins_behind_the_instruction_is_seen(tmp_path):
    assert nested_in_memalign(tmp_path) == [1021] * 7
    assert nested_in_memalign(tmp_path, HASTY) != [1021] * 7


# The program changes how much malloc's first instruction adds: not its first byte.
CHANGED = """
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
__asm__(".balign 4096\\n .globl malloc\\n .type malloc, @function\\n"
        "malloc: .cfi_startproc\\n lea 7(%rdi), %rax\\n nop\\n ret\\n .cfi_endproc\\n"
        ".size malloc, . - malloc\\n .balign 4096\\n");
int main(void)
{
    volatile unsigned char *code = (unsigned char *)&malloc;
    if ((long)malloc(1009) != 1016)
        _exit(1);
    if (mprotect((void *)code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        _exit(2);
    code[3] = 11;
    _exit((long)malloc(1009) == 1020 ? 7 : 3);
}
"""


def test_an_instruction_that_was_changed_is_the_processors(tmp_path):
    recorded, printed = record(tmp_path, compile_c(tmp_path, CHANGED))
    assert "outcome exited 7 True" in printed
    assert calls(recorded) == [("malloc", 1009)] * 2


# malloc's push meets a page that is not there, or not to be written.
FAULTS = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
static char other[65536], *edge;
void *malloc(size_t n);
__asm__(".globl malloc\\n .type malloc, @function\\n"
        "malloc: .cfi_startproc\\n push %rbx\\n pop %rbx\\n ret\\n .cfi_endproc\\n"
        ".size malloc, . - malloc\\n");
static void caught(int signal, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    int there = at->uc_mcontext.gregs[REG_RIP] == (greg_t)&malloc &&
                at->uc_mcontext.gregs[REG_RSP] == (greg_t)edge;
    _exit(there && info->si_addr == edge - 8 ? 7 : 8);
}
static char *stack_begins(void) /* without a FILE: malloc has no memory here */
{
    int maps = open("/proc/self/maps", O_RDONLY);
    for (ssize_t at = 0, more = 1; more > 0; at += more)
        more = read(maps, other + at, sizeof other - 1 - at);
    char *line = strstr(other, "[stack]");
    while (line > other && line[-1] != '\\n')
        line--;
    return (char *)strtoul(line, 0, 16);
}
int main(int argc, char **argv)
{
    stack_t alternative = {.ss_sp = other, .ss_size = sizeof other};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int protection = atoi(argv[1]);
    if (protection < 0) {
        edge = stack_begins();
    } else {
        edge = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        edge += 4096;
        mprotect(edge - 4096, 4096, protection);
    }
    sigaltstack(&alternative, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    __asm__ volatile("mov %%rsp, %%r12\\n mov %0, %%rsp\\n mov $1009, %%edi\\n call malloc\\n"
                     "mov %%r12, %%rsp" : : "r"(edge + 8) :
                     "r12", "rax", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory");
    _exit(6);
}
"""


def pushed(folder, protection, engine="gdb-scripts/engine.py"):
    """(status of the program, whether its call returned)."""
    program = compile_c(folder, FAULTS)
    recorded, printed = record(folder, program, str(protection), engine=engine)
    (call,) = (e for e in recorded.events if e.kind == "call" and e.size == 1009)
    return int(printed.split()[2]), call.dur_ns is not None


@pytest.mark.parametrize("protection", [0, 1])  # PROT_NONE, PROT_READ
def test_a_push_that_the_program_may_not_do_is_its_fault(tmp_path, protection):
    assert pushed(tmp_path, protection) == (7, False)


def test_a_push_that_lets_the_stack_grow(tmp_path):
    assert pushed(tmp_path, -1) == (6, True)


def test_who_writes_anywhere_hides_a_fault(tmp_path):
    assert pushed(tmp_path, 1, HASTY) == (6, True)
