/* start.c - prints everything that a program is started with, one `name value` a line.
 *
 * Two starts of it, with and without brkpoint, are compared line by line. What must differ (ids,
 * the tracer, times) is not printed. Bytes are written in hex.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

static void hex(const char *name, const char *bytes)
{
    printf("%s ", name);
    for (; *bytes; bytes++)
        printf("%02x", (unsigned char)*bytes);
    puts("");
}

static void status_lines(void)
{
    char line[4096];
    FILE *file = fopen("/proc/self/status", "r");
    const char *wanted = " Name Umask Uid Gid Groups SigPnd ShdPnd SigBlk SigIgn SigCgt CapEff "
                         "NoNewPrivs Seccomp Cpus_allowed NSpgid NSsid ";
    while (file && fgets(line, sizeof line, file)) {
        char name[64] = " ";
        sscanf(line, "%60[^:]", name + 1);
        strcat(name, " ");
        if (strstr(wanted, name))
            fputs(line, stdout);
    }
    if (file)
        fclose(file);
}

static void copy(const char *path)
{
    char line[4096];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        printf("%s %s", path, line);
    if (file)
        fclose(file);
}

static void descriptors(void)
{
    char path[64], where[4096];
    struct stat about;
    for (int fd = 0; fd < 200; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, where, sizeof where - 1);
        if (length < 0)
            continue;
        where[length] = 0;
        memset(&about, 0, sizeof about);
        fstat(fd, &about);
        printf("fd %d mode %o offset %ld\n", fd, about.st_mode, (long)lseek(fd, 0, SEEK_CUR) > 0);
        if (fd > 2)
            hex("target", where);
    }
}

int main(int argc, char **argv)
{
    char folder[4096] = "";
    struct itimerval timer;
    descriptors(); /* before anything of ours is open */
    for (int i = 0; i < argc; i++)
        hex("argument", argv[i]);
    for (char **entry = environ; *entry; entry++)
        hex("environment", *entry);
    hex("cwd", getcwd(folder, sizeof folder) ? folder : "?");
    hex("execfn", (char *)getauxval(AT_EXECFN));
    status_lines();
    copy("/proc/self/limits");
    copy("/proc/self/oom_score_adj");
    copy("/proc/self/coredump_filter");
    copy("/proc/self/timerslack_ns");
    printf("nice %d personality %x secure %lu\n", getpriority(PRIO_PROCESS, 0),
           (unsigned)personality(0xffffffff), getauxval(AT_SECURE));
    int reaps = 0;
    prctl(PR_GET_CHILD_SUBREAPER, &reaps);
    printf("subreaper %d securebits %d thp_disabled %d no_new_privs %d dumpable %d\n", reaps,
           prctl(PR_GET_SECUREBITS), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
    printf("scheduler %d\n", sched_getscheduler(0));
    printf("group %d session %d foreground %d\n", getpgrp(), getsid(0), (int)tcgetpgrp(0));
    getitimer(ITIMER_REAL, &timer);
    printf("timer %ld\n", (long)timer.it_value.tv_sec);
    return 23;
}
