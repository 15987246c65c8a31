/* registers.c - which registers survive a call or a system call: all are filled with marks before.
 *
 * One line a call; a letter or number where the register came back changed. A caller may rely on
 * more than the ABI promises (gcc -fipa-ra), so the lines must be those of a run by itself.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

struct state {
    uint64_t general[16]; /* in the order of their numbers; 4, the stack pointer, is left out */
    uint64_t flags;
    uint64_t vector[16][2];
};
struct state before, after; /* named in the assembly */

/* probe(where): fill all registers from `before`, go where, store them to `after`. */
void probe(void *where);
__asm__(".text\n.globl probe\n"
        "probe:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "sub $24, %rsp\n"
        "mov %rdi, (%rsp)\n"
        "lea before(%rip), %r15\n"
        "movups 136(%r15), %xmm0; movups 152(%r15), %xmm1\n"
        "movups 168(%r15), %xmm2; movups 184(%r15), %xmm3\n"
        "movups 200(%r15), %xmm4; movups 216(%r15), %xmm5\n"
        "movups 232(%r15), %xmm6; movups 248(%r15), %xmm7\n"
        "movups 264(%r15), %xmm8; movups 280(%r15), %xmm9\n"
        "movups 296(%r15), %xmm10; movups 312(%r15), %xmm11\n"
        "movups 328(%r15), %xmm12; movups 344(%r15), %xmm13\n"
        "movups 360(%r15), %xmm14; movups 376(%r15), %xmm15\n"
        "pushq 128(%r15); popfq\n"
        "mov 0(%r15), %rax; mov 8(%r15), %rcx; mov 16(%r15), %rdx; mov 24(%r15), %rbx\n"
        "mov 40(%r15), %rbp; mov 48(%r15), %rsi; mov 56(%r15), %rdi\n"
        "mov 64(%r15), %r8; mov 72(%r15), %r9; mov 80(%r15), %r10; mov 88(%r15), %r11\n"
        "mov 96(%r15), %r12; mov 104(%r15), %r13; mov 112(%r15), %r14; mov 120(%r15), %r15\n"
        "call *(%rsp)\n"
        "pushfq\n"
        "push %r15\n"
        "lea after(%rip), %r15\n"
        "mov %rax, 0(%r15); mov %rcx, 8(%r15); mov %rdx, 16(%r15); mov %rbx, 24(%r15)\n"
        "mov %rbp, 40(%r15); mov %rsi, 48(%r15); mov %rdi, 56(%r15)\n"
        "mov %r8, 64(%r15); mov %r9, 72(%r15); mov %r10, 80(%r15); mov %r11, 88(%r15)\n"
        "mov %r12, 96(%r15); mov %r13, 104(%r15); mov %r14, 112(%r15)\n"
        "popq 120(%r15); popq 128(%r15)\n"
        "cld\n"
        "movups %xmm0, 136(%r15); movups %xmm1, 152(%r15)\n"
        "movups %xmm2, 168(%r15); movups %xmm3, 184(%r15)\n"
        "movups %xmm4, 200(%r15); movups %xmm5, 216(%r15)\n"
        "movups %xmm6, 232(%r15); movups %xmm7, 248(%r15)\n"
        "movups %xmm8, 264(%r15); movups %xmm9, 280(%r15)\n"
        "movups %xmm10, 296(%r15); movups %xmm11, 312(%r15)\n"
        "movups %xmm12, 328(%r15); movups %xmm13, 344(%r15)\n"
        "movups %xmm14, 360(%r15); movups %xmm15, 376(%r15)\n"
        "add $24, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".globl raw_syscall\n"
        "raw_syscall: syscall; mov %rax, last_result(%rip); ret\n");
void raw_syscall(void);
uint64_t last_result; /* room for a jump behind the system call */

#define ARITHMETIC 0x8d5u /* carry, parity, adjust, zero, sign, overflow: of no call's promise */
#define DIRECTION 0x400u

static void *go(const char *name, void *where, uint64_t rax, uint64_t rdi, uint64_t rsi,
                uint64_t rdx, uint64_t r10, uint64_t flags)
{
    for (int i = 0; i < 16; i++) {
        before.general[i] = 0x1111111111111111u * (uint64_t)i + 0x0123456789u;
        before.vector[i][0] = before.general[i] ^ 0x5555;
        before.vector[i][1] = before.general[i] ^ 0x7777;
    }
    before.general[0] = rax;
    before.general[7] = rdi;
    before.general[6] = rsi;
    before.general[2] = rdx;
    before.general[10] = r10;
    before.general[8] = (uint64_t)-1;
    before.general[9] = 0;
    before.flags = 0x202 | flags;
    probe(where);
    printf("%s: changed", name);
    for (int i = 1; i < 16; i++)
        if (i != 4 && before.general[i] != after.general[i])
            printf(" %d", i);
    for (int i = 0; i < 16; i++)
        if (before.vector[i][0] != after.vector[i][0] || before.vector[i][1] != after.vector[i][1])
            printf(" xmm%d", i);
    uint64_t mask = where == (void *)raw_syscall ? ~(uint64_t)0 : ~(uint64_t)ARITHMETIC;
    printf(" flags %#lx -> %#lx\n", before.flags & mask, after.flags & mask);
    if (where == (void *)raw_syscall)
        printf("  r11 as the flags: %d\n", after.general[11] == before.flags);
    return (void *)after.general[0];
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0); /* no allocation of its own */
    void *page, *block;
    for (int i = 0; i < 2; i++) {
        block = go("malloc", malloc, 0, 1009, 7, 7, 7, 0);
        block = go("realloc", realloc, 0, (uint64_t)block, 1013, 7, 7, 0);
        go("free", free, 0, (uint64_t)block, 7, 7, 7, 0);
        go("free(NULL)", free, 0, 0, 7, 7, 7, ARITHMETIC);
        block = go("calloc", calloc, 0, 1, 1019, 7, 7, 0);
        free(block);
        go("posix_memalign", posix_memalign, 0, (uint64_t)&block, 64, 1021, 7, 0);
        free(block);
    }
    page = go("mmap", raw_syscall, SYS_mmap, 0, 4096, 3, 0x22, 0);
    go("madvise", raw_syscall, SYS_madvise, (uint64_t)page, 4096, 4, 7, ARITHMETIC);
    go("munmap", raw_syscall, SYS_munmap, (uint64_t)page, 4096, 7, 7, DIRECTION);
    go("failing munmap", raw_syscall, SYS_munmap, 1, 4096, 7, 7, ARITHMETIC | DIRECTION);
    go("brk", raw_syscall, SYS_brk, 0, 7, 7, 7, DIRECTION);
    go("getppid", raw_syscall, SYS_getppid, 0, 7, 7, 7, DIRECTION);
    return 0;
}
