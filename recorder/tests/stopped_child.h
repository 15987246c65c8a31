/* stopped_child.h - for the tests of code moving: a program stopped at its entry point, with its
 * libraries loaded, whose memory can be read and written, and who makes system calls for us. */
#ifndef RECORDER_TESTS_STOPPED_CHILD_H
#define RECORDER_TESTS_STOPPED_CHILD_H

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int mem;
    uint64_t entry;
};

struct mapping {
    uint64_t start, end, offset;
    int executable;
    char path[512];
};

static inline void fail(const char *what)
{
    perror(what);
    exit(99);
}

static inline void peek(const struct child *c, uint64_t at, void *to, size_t count)
{
    if (pread(c->mem, to, count, (off_t)at) != (ssize_t)count)
        fail("reading the child");
}

static inline void poke(const struct child *c, uint64_t at, const void *from, size_t count)
{
    if (pwrite(c->mem, from, count, (off_t)at) != (ssize_t)count)
        fail("writing the child");
}

static inline FILE *child_file(const struct child *c, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", c->pid, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    return file;
}

static inline uint64_t child_entry(const struct child *c)
{
    Elf64_auxv_t row;
    uint64_t entry = 0;
    FILE *file = child_file(c, "auxv");
    while (fread(&row, sizeof row, 1, file) == 1)
        if (row.a_type == AT_ENTRY)
            entry = row.a_un.a_val;
    fclose(file);
    return entry;
}

static inline void wait_for_trap(const struct child *c)
{
    int status;
    if (waitpid(c->pid, &status, 0) != c->pid || !WIFSTOPPED(status) ||
        WSTOPSIG(status) != SIGTRAP) {
        fprintf(stderr, "the child is not where it should be (status %#x)\n", status);
        exit(99);
    }
}

/* Starts argv[0] with `fd` as its descriptor 99, and lets it run up to its entry point. */
static inline struct child start_child(char **argv, int fd)
{
    struct child c = {.pid = fork()};
    struct user_regs_struct regs;
    char path[64];
    uint8_t byte, trap = 0xCC;
    if (c.pid == 0) {
        dup2(fd, 99);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execvp(argv[0], argv);
        fail(argv[0]);
    }
    wait_for_trap(&c);
    snprintf(path, sizeof path, "/proc/%d/mem", c.pid);
    c.mem = open(path, O_RDWR | O_CLOEXEC);
    c.entry = child_entry(&c);
    peek(&c, c.entry, &byte, 1);
    poke(&c, c.entry, &trap, 1);
    ptrace(PTRACE_CONT, c.pid, 0, 0);
    wait_for_trap(&c);
    poke(&c, c.entry, &byte, 1);
    ptrace(PTRACE_GETREGS, c.pid, 0, &regs);
    regs.rip = c.entry;
    ptrace(PTRACE_SETREGS, c.pid, 0, &regs);
    return c;
}

static inline uint64_t child_syscall(const struct child *c, long number, uint64_t a, uint64_t b,
                                     uint64_t d, uint64_t e, uint64_t f, uint64_t g)
{
    struct user_regs_struct saved, regs;
    uint8_t bytes[2], instruction[2] = {0x0F, 0x05};
    ptrace(PTRACE_GETREGS, c->pid, 0, &saved);
    regs = saved;
    peek(c, regs.rip, bytes, 2);
    poke(c, regs.rip, instruction, 2);
    regs.rax = number, regs.rdi = a, regs.rsi = b, regs.rdx = d;
    regs.r10 = e, regs.r8 = f, regs.r9 = g, regs.orig_rax = -1;
    ptrace(PTRACE_SETREGS, c->pid, 0, &regs);
    ptrace(PTRACE_SINGLESTEP, c->pid, 0, 0);
    wait_for_trap(c);
    ptrace(PTRACE_GETREGS, c->pid, 0, &regs);
    poke(c, saved.rip, bytes, 2);
    ptrace(PTRACE_SETREGS, c->pid, 0, &saved);
    return regs.rax;
}

static inline size_t child_mappings(const struct child *c, struct mapping *list, size_t room)
{
    char line[1024], perms[8];
    size_t count = 0;
    FILE *file = child_file(c, "maps");
    while (count < room && fgets(line, sizeof line, file)) {
        struct mapping *m = &list[count++];
        m->path[0] = 0;
        sscanf(line, "%lx-%lx %7s %lx %*s %*s %511s", &m->start, &m->end, perms, &m->offset,
               m->path);
        m->executable = perms[2] == 'x';
    }
    fclose(file);
    return count;
}

#endif
