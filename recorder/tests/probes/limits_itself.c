/* limits_itself.c - a program that limits its own address space (MiB, "setrlimit", "prlimit", "child" or
 * "waits") and then takes what it may: is it most of that?
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int limit(const char *how, const struct rlimit *to)
{
    if (strcmp(how, "setrlimit") == 0)
        return (int)syscall(SYS_setrlimit, RLIMIT_AS, to);
    if (strcmp(how, "prlimit") == 0)
        return prlimit(getpid(), RLIMIT_AS, to, NULL);
    return setrlimit(RLIMIT_AS, to);
}

static int take(const char *how, rlim_t mib)
{
    const struct rlimit to = {mib << 20, mib << 20}, *volatile nowhere = (struct rlimit *)8;
    rlim_t taken = 0;
    if (limit(how, nowhere) == 0 || errno != EFAULT || limit(how, &to) != 0)
        return 1;
    while (malloc(1009 << 10) != NULL)
        taken++;
    printf("it gets %s of it\n", taken > mib / 2 ? "most" : "little");
    return fflush(stdout);
}

/* The recorder may not have seen yet that the child is gone. */
static int take_after_a_child(rlim_t mib)
{
    pid_t child = fork();
    if (child == 0)
        _exit(malloc(100) == NULL);
    return waitpid(child, NULL, 0) == child ? take("libc", mib) : 1;
}

#define TIMES 30
static int wait_many_times(rlim_t mib)
{
    int failed = 0;
    for (int i = 0; i < TIMES; i++) {
        int status = 1;
        if (fork() == 0)
            _exit(take_after_a_child(mib));
        wait(&status);
        failed |= status;
    }
    return failed != 0;
}

int main(int count, char **words)
{
    int status = 0;
    if (count != 3)
        return 2;
    if (strcmp(words[1], "waits") == 0)
        return wait_many_times(strtoul(words[2], NULL, 10));
    if (strcmp(words[1], "child") != 0)
        return take(words[1], strtoul(words[2], NULL, 10));
    if (fork() == 0)
        _exit(take(words[1], strtoul(words[2], NULL, 10)));
    wait(&status);
    return WEXITSTATUS(status) + take(words[1], strtoul(words[2], NULL, 10));
}
