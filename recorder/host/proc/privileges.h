/* privileges.h - whether a program would lose rights by being traced (ptrace(2), execve(2)). */
#ifndef RECORDER_PRIVILEGES_H
#define RECORDER_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether we may trace whoever gains rights by an exec: root, or with CAP_SYS_PTRACE. */
bool may_trace_privileged(void);
/* Whether the file at `path` gives the process rights that it has not: set-user-ID, set-group-ID, or
 * capabilities; of a script, its interpreter. */
bool gives_privileges(pid_t pid, const char *path);

#endif
