/* privileges.c - whether a program would lose rights by being traced (privileges.h). */
#include "privileges.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CAP_SYS_PTRACE_BIT 19 /* linux/capability.h */

struct rights {
    unsigned uid, gid;
    int no_new; /* prctl(PR_SET_NO_NEW_PRIVS) */
    unsigned long long effective;
};

static bool read_rights(const char *process, struct rights *r)
{
    char path[48], line[256];
    *r = (struct rights){0};
    snprintf(path, sizeof path, "/proc/%s/status", process);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "Uid: %*u %u", &r->uid);
        sscanf(line, "Gid: %*u %u", &r->gid);
        sscanf(line, "NoNewPrivs: %d", &r->no_new);
        sscanf(line, "CapEff: %llx", &r->effective);
    }
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

bool may_trace_privileged(void)
{
    struct rights ours;
    return read_rights("self", &ours) && ours.effective >> CAP_SYS_PTRACE_BIT & 1;
}

/* The file's own bits. */
static bool gives(const struct rights *its, const char *path)
{
    struct stat status;
    struct statvfs mounted;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        (statvfs(path, &mounted) == 0 && mounted.f_flag & ST_NOSUID))
        return false;
    bool user = status.st_mode & S_ISUID && status.st_uid != its->uid;
    bool group = status.st_mode & S_ISGID && status.st_mode & S_IXGRP && status.st_gid != its->gid;
    return user || group || getxattr(path, "security.capability", NULL, 0) > 0;
}

/* "#!interpreter argument": its path, as the process sees it. */
static bool interpreter_of(pid_t pid, const char *path, char *found, size_t room)
{
    char line[256] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    ssize_t got = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    if (got < 3 || memcmp(line, "#!", 2) != 0)
        return false;
    char *name = line + 2 + strspn(line + 2, " \t");
    name[strcspn(name, " \t\n")] = 0;
    return *name == '/' && snprintf(found, room, "/proc/%d/root%s", pid, name) < (int)room;
}

bool gives_privileges(pid_t pid, const char *path)
{
    char process[16], interpreter[4200];
    struct rights its;
    snprintf(process, sizeof process, "%d", pid);
    if (!read_rights(process, &its) || its.no_new)
        return false;
    if (interpreter_of(pid, path, interpreter, sizeof interpreter))
        path = interpreter;
    return gives(&its, path);
}
