/* status.c - numbers of /proc/PID/status and /proc/PID/stat (status.h). */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t status_number(pid_t pid, const char *name)
{
    char path[32], line[256];
    size_t length = strlen(name);
    uint64_t number = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            number = strtoull(line + length + 1, NULL, 10);
            break;
        }
    if (file != NULL)
        fclose(file);
    return number;
}

bool status_has_memory(pid_t pid)
{
    return status_number(pid, "VmSize") != 0;
}

uint64_t status_stack(pid_t pid)
{
    enum { NAME = 2, START_STACK = 28 }; /* its fields, as proc_pid_stat(5) counts them */
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = 0;
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int field = NAME; at != NULL && field < START_STACK; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}
