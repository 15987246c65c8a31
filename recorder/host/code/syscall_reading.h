/* syscall_reading.h - the system calls of one stretch of code: a part of syscall_sites.c. */
#ifndef RECORDER_SYSCALL_READING_H
#define RECORDER_SYSCALL_READING_H

#include "syscall_sites.h"

/* Appends to `out` the system calls of `code`, which begins where an instruction does, or at least
 * some dozen bytes before what matters. Only jumps inside `code` are known. `certain`: it is one
 * whole function. False: no memory. */
bool read_syscall_sites(const struct code *code, bool certain, struct syscall_sites *out);

#endif
