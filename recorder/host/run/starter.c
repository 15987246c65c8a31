/* starter.c - the target before it is a target (starter.h). */
#define _GNU_SOURCE
#include "starter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT_EXECUTE 126 /* start/errors.py */
#define LAST_SIGNAL 64

/* ---- the plan: words that end with NUL, in the order in which they are taken here ---- */

struct words {
    char *at, *end;
};

static bool words_of(struct words *w, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size == 0)
        return false;
    w->at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    w->end = w->at + status.st_size;
    return w->at != MAP_FAILED && w->end[-1] == 0;
}

static char *word(struct words *w)
{
    char *found = w->at;
    if (found >= w->end)
        _exit(CANNOT_EXECUTE);
    w->at += strlen(found) + 1;
    return found;
}

static uint64_t number(struct words *w)
{
    return strtoull(word(w), NULL, 10);
}

/* As execve wants them. */
static char **list(struct words *w)
{
    size_t count = number(w);
    char **found = calloc(count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++)
        if (found == NULL)
            _exit(CANNOT_EXECUTE);
        else
            found[i] = word(w);
    return found;
}

/* ---- the steps ---- */

static ssize_t read_fully(int fd, void *to, size_t size)
{
    ssize_t got;
    do /* a tracer that attaches interrupts it */
        got = read(fd, to, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Until it is traced. Only yama knows who may; it forgets that when the tracer ends. */
static bool wait_for_tracer(int go, int report)
{
    int32_t tracer;
    char byte;
    if (read_fully(go, &tracer, sizeof tracer) != sizeof tracer)
        return false;
    prctl(PR_SET_PTRACER, (unsigned long)tracer, 0, 0, 0);
    return write(report, "P", 1) == 1 && read_fully(go, &byte, 1) == 1 && byte == 'G';
}

/* As the kernel wants it: posix_spawn has made it ignore the two that glibc keeps for itself, and
 * glibc's own functions refuse these. */
struct action {
    void (*handler)(int);
    unsigned long flags, restorer, mask;
};

static void restore_signals(uint64_t ignored, uint64_t blocked)
{
    sigset_t mask;
    sigemptyset(&mask);
    for (int number = 1; number <= LAST_SIGNAL; number++) {
        uint64_t bit = UINT64_C(1) << (number - 1);
        struct action action = {.handler = ignored & bit ? SIG_IGN : SIG_DFL};
        syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
        if (blocked & bit)
            sigaddset(&mask, number);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void restore(struct words *w)
{
    if (number(w)) /* an exec keeps it, a fork does not */
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (number(w))
        personality((unsigned long)personality(0xFFFFFFFF) | ADDR_NO_RANDOMIZE);
    for (uint64_t left = number(w); left > 0; left--) {
        int resource = (int)number(w);
        struct rlimit limit = {.rlim_cur = number(w)};
        limit.rlim_max = number(w);
        setrlimit((__rlimit_resource_t)resource, &limit);
    }
    uint64_t ignored = number(w), blocked = number(w);
    restore_signals(ignored, blocked);
}

int starter_run(int plan, int go, int report, int parent)
{
    struct words w;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent || !words_of(&w, plan))
        return CANNOT_EXECUTE;
    close(plan);
    fcntl(go, F_SETFD, FD_CLOEXEC);
    fcntl(report, F_SETFD, FD_CLOEXEC);
    const char *path = word(&w);
    char **words = list(&w), **script = list(&w), **environment = list(&w);
    if (!wait_for_tracer(go, report))
        return CANNOT_EXECUTE;
    restore(&w);
    execve(path, words, environment);
    if (errno == ENOEXEC && script[0] != NULL) /* a text without `#!`: execvp(3), POSIX sh */
        execve(script[0], script, environment);
    int32_t why = errno;
    return write(report, &why, sizeof why) == sizeof why ? CANNOT_EXECUTE : CANNOT_EXECUTE + 1;
}
