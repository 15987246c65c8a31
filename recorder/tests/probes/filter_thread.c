/* filter_thread.c - a filter that kills who asks for its own number; a thread, a child, a program after
 * it. Argument: "thread", "fork", "exec", "exec-advice" (it kills who calls madvise, too), "spawned"
 * (a child that had its parent's memory came before it). */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL(number)                                                                               \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                                             \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static void *work(void *arg)
{
    for (int i = 0; i < 53; i++)
        free(malloc(1009));
    return arg;
}

static char *again[] = {"again", NULL};

static int spawn(void)
{
    pid_t child;
    int status = 0;
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, again, NULL) == 0)
        waitpid(child, &status, 0);
    return status;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    int execs = !strncmp(way, "exec", 4); /* a loader sets its thread pointer */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        KILL(SYS_gettid),
        KILL(SYS_getpid),
        KILL(execs ? SYS_getpid : SYS_arch_prctl),
        KILL(!strcmp(way, "exec-advice") ? SYS_madvise : SYS_getpid),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    pthread_t thread;
    int status = 0;
    if (!strcmp(argv[0], again[0])) {
        work(NULL);
        return 9;
    }
    if (!strcmp(way, "spawned"))
        status = spawn();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 77;
    if (execs) {
        work(NULL);
        execv("/proc/self/exe", again);
        return 78;
    }
    if (!strcmp(way, "spawned"))
        work(NULL);
    else if (!strcmp(way, "fork")) {
        pid_t child = fork();
        if (child == 0) {
            work(NULL);
            _exit(5);
        }
        waitpid(child, &status, 0);
    } else {
        pthread_create(&thread, NULL, work, NULL);
        pthread_join(thread, NULL);
    }
    work(NULL);
    printf("alive, %#x\n", status);
    return 7;
}
