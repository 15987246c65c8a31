/* one_pointer.c - threads that all have their maker's thread pointer, as valgrind makes them; their
 * system calls go through a function in assembly that no unwind table knows.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 5, EACH = 211, STACK = 65536, SIZE = 1009 << 12 };

long pass_on(long number, long a, long b, long c, long d, long e, long f);
__asm__(".text\n"
        ".p2align 4\n"
        "pass_on:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        "    ret\n"
        ".p2align 4\n");

static int alive[THREADS];

/* Without anything of libc's: its variables of a thread are its maker's. */
static int work(void *unused)
{
    (void)unused;
    for (int left = EACH; left > 0; left--) {
        long at = pass_on(SYS_mmap, 0, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pass_on(SYS_munmap, at, SIZE, 0, 0, 0, 0);
    }
    pass_on(SYS_exit, 0, 0, 0, 0, 0, 0);
    return 0;
}

int main(void)
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    for (int i = 0; i < THREADS; i++) {
        char *stack = malloc(STACK);
        if (clone(work, stack + STACK, flags, NULL, &alive[i], NULL, &alive[i]) < 0)
            return 77;
    }
    for (int i = 0; i < THREADS; i++)
        for (int is; (is = __atomic_load_n(&alive[i], __ATOMIC_ACQUIRE)) != 0;)
            syscall(SYS_futex, &alive[i], FUTEX_WAIT, is, NULL, NULL, 0);
    puts("all have ended");
    return 0;
}
