/* mapping.c - maps files whose paths are short, or too long for a record of the ring, and one when a
 * filter has made readlink deadly. Argument: an empty folder. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int forbid_readlink(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_readlink, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Maps `size` bytes of the file, and closes its descriptor at once. */
static void map(const char *name, size_t size)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        perror(name);
    unlink(name);
}

int main(int argc, char **argv)
{
    char name[201] = {0};
    if (argc < 2 || chdir(argv[1]) != 0)
        return 2;
    map("short", 1009);
    memset(name, 'd', 200);
    for (int depth = 0; depth < 2; depth++)
        if ((mkdir(name, 0700) != 0 && errno != EEXIST) || chdir(name) != 0)
            return 2;
    map("long", 1013);
    if (forbid_readlink() != 0)
        return 77;
    map("forbidden", 1019);
    return puts("mapped") < 0;
}
