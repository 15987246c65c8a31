/* status.h - numbers of /proc/PID/status and /proc/PID/stat: proc(5). */
#ifndef BRKPOINT_HOST_STATUS_H
#define BRKPOINT_HOST_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a process or thread, behind the name of its line ("PPid"); 0 where it cannot be read. */
uint64_t status_number(pid_t pid, const char *name);
/* Whether it has memory: not when it has ended, or is about to. */
bool status_has_memory(pid_t pid);
/* Where the stack of its first thread began, and its arguments lie (startstack); 0 where it is not told. */
uint64_t status_stack(pid_t pid);

#endif
