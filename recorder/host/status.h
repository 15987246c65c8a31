/* status.h - one number of /proc/PID/status: proc(5). */
#ifndef BRKPOINT_HOST_STATUS_H
#define BRKPOINT_HOST_STATUS_H

#include <stdint.h>
#include <sys/types.h>

/* Of a process or thread, behind the name of its line ("PPid"); 0 where it cannot be read. */
uint64_t status_number(pid_t pid, const char *name);

#endif
