/* ptrace/memory.c - reading and writing the memory of a process. */
#define _GNU_SOURCE
#include "tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

int tracee_open_memory(struct tracee *t)
{
    char path[32];
    tracee_close(t);
    snprintf(path, sizeof path, "/proc/%d/mem", t->pid);
    t->mem = open(path, O_RDWR | O_CLOEXEC);
    return t->mem < 0 ? -1 : 0;
}

void tracee_close(struct tracee *t)
{
    if (t->mem >= 0)
        close(t->mem);
    t->mem = -1;
}

size_t tracee_read_some(const struct tracee *t, uint64_t address, void *bytes, size_t size)
{
    ssize_t got = pread(t->mem, bytes, size, (off_t)address);
    return got < 0 ? 0 : (size_t)got;
}

bool tracee_read(const struct tracee *t, uint64_t address, void *bytes, size_t size)
{
    return tracee_read_some(t, address, bytes, size) == size;
}

/* Where the kernel forbids writing code through /proc/PID/mem (proc_mem.force_override), ptrace
 * still may while the process stands. */
static bool poke(const struct tracee *t, uint64_t address, const void *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint64_t word_at = (address + at) & ~UINT64_C(7), skip = address + at - word_at;
        size_t count = size - at < 8 - skip ? size - at : 8 - skip;
        errno = 0;
        uint64_t word = (uint64_t)ptrace(PTRACE_PEEKTEXT, tracee_standing(t), word_at, 0);
        if (errno != 0)
            return false;
        memcpy((char *)&word + skip, (const char *)bytes + at, count);
        if (ptrace(PTRACE_POKETEXT, tracee_standing(t), word_at, word) != 0)
            return false;
        at += count;
    }
    return true;
}

bool tracee_write(const struct tracee *t, uint64_t address, const void *bytes, size_t size)
{
    if (pwrite(t->mem, bytes, size, (off_t)address) == (ssize_t)size)
        return true;
    return t->attached && poke(t, address, bytes, size);
}
