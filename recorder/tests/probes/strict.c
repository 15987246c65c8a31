/* strict.c - strict seccomp: any system call but read, write, exit and sigreturn is death, and so is
 * rdtsc. What is asked for, the heap has already. Argument: "filter" for a filter in its place. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(number)                                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_write),
        ALLOW(SYS_exit),
        ALLOW(SYS_exit_group),
        ALLOW(SYS_mmap),
        ALLOW(SYS_munmap),
        ALLOW(SYS_brk),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    int filtered = argc > 1 && !strcmp(argv[1], "filter");
    free(malloc(64 << 10)); /* the heap is there */
    if (filtered ? filter() : prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
        return 77;
    for (int i = 0; i < 101; i++) {
        void *p = malloc(1009), *q = calloc(1, 1013);
        p = realloc(p, 1019);
        free(q);
        free(p);
    }
    if (filtered)
        free(malloc(1 << 20)); /* by mmap */
    static const char word[] = "alive\n";
    syscall(SYS_write, 1, word, sizeof word - 1);
    syscall(SYS_exit, 7);
    return 1;
}
