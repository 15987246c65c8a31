/* red_zone.c - a leaf function that keeps 128 bytes below its stack pointer, and makes system calls
 * in between without moving it. Prints how many of its words came back changed. */
#include <stdio.h>
#include <sys/syscall.h>

/* leaf(number, a, b, c, d): fill the red zone, make the call, count what differs. */
long leaf(long number, long a, long b, long c, long d);
__asm__(".text\n.globl leaf\n"
        "leaf:\n"
        "mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx; mov %r8, %r10\n"
        "mov $-1, %r8; mov $0, %r9\n"
        "mov $16, %rcx\n"
        "1: imul $0x01010101, %rcx, %r11\n"
        "neg %rcx; mov %r11, (%rsp,%rcx,8); neg %rcx\n"
        "dec %rcx; jnz 1b\n"
        "syscall\n"
        "mov %rax, result(%rip)\n"
        "xor %eax, %eax\n"
        "mov $16, %rcx\n"
        "2: imul $0x01010101, %rcx, %r11\n"
        "neg %rcx; cmp %r11, (%rsp,%rcx,8); je 3f; inc %rax\n"
        "3: neg %rcx; dec %rcx; jnz 2b\n"
        "ret\n");
long result;

int main(void)
{
    long changed = 0;
    for (int i = 0; i < 101; i++) {
        changed += leaf(SYS_mmap, 0, 8192, 3, 0x22);
        changed += leaf(SYS_madvise, result, 4096, 4, 0);
        changed += leaf(SYS_munmap, result ? result : 1, 8192, 0, 0);
        changed += leaf(SYS_getppid, 0, 0, 0, 0);
    }
    printf("%ld words of the red zone changed\n", changed);
    return 0;
}
