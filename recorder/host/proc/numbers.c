/* numbers.c - numbers in PID namespaces (numbers.h). */
#include "numbers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 33 /* namespaces in one another: MAX_PID_NS_LEVEL of the kernel, and the first */

static bool is_ours(pid_t pid, const char *which)
{
    static struct stat ours;
    char path[48];
    struct stat its;
    if (ours.st_ino == 0 && stat("/proc/self/ns/pid", &ours) != 0)
        return true;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, which);
    if (stat(path, &its) != 0)
        return errno != ENOENT; /* a namespace that nobody is in yet has no file */
    return its.st_ino == ours.st_ino && its.st_dev == ours.st_dev;
}

bool numbers_are_ours(pid_t pid)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d", pid);
    return is_ours(pid, "pid") || stat(path, &status) != 0;
}

bool numbers_of_children_are_ours(pid_t pid)
{
    return is_ours(pid, "pid_for_children");
}

/* From ours down to its own; how many there are. */
static size_t numbers_in(const char *path, uint32_t list[DEEPEST])
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "NSpid:", 6) == 0) {
            char *at = line + 6, *end;
            for (; count < DEEPEST; count++, at = end) {
                unsigned long number = strtoul(at, &end, 10);
                if (end == at)
                    break;
                list[count] = (uint32_t)number;
            }
            break;
        }
    if (file != NULL)
        fclose(file);
    return count;
}

static size_t numbers_of(pid_t pid, uint32_t list[DEEPEST])
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    return numbers_in(path, list);
}

uint32_t number_own(pid_t pid)
{
    uint32_t list[DEEPEST];
    size_t count = numbers_of(pid, list);
    return count ? list[count - 1] : 0;
}

pid_t number_of_thread(pid_t pid, uint32_t own)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; found == 0 && tasks != NULL && (e = readdir(tasks)) != NULL;) {
        pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
        if (tid > 0 && number_own(tid) == own)
            found = tid;
    }
    if (tasks != NULL)
        closedir(tasks);
    return found;
}

pid_t number_of_process(uint32_t number, pid_t teller, bool (*is_it)(void *about, pid_t pid),
                        void *about)
{
    uint32_t list[DEEPEST];
    size_t level = teller ? numbers_of(teller, list) : 0;
    pid_t found = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *e; found == 0 && all != NULL && (e = readdir(all)) != NULL;) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || is_ours(pid, "pid"))
            continue;
        size_t count = numbers_of(pid, list), at = level ? level : count;
        if (count > 1 && at <= count && list[at - 1] == number && is_it(about, pid))
            found = pid;
    }
    if (all != NULL)
        closedir(all);
    return found;
}
