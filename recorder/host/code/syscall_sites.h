/* syscall_sites.h - the `syscall` instructions of a piece of executable code.
 *
 * A function whose extent is known (by a symbol or an unwind table) is decoded from its entry. Code
 * between such functions is decoded only around the bytes of a syscall, from some distance before
 * them, byte by byte where it makes no sense; what is found there is not `certain`. Jumps from the
 * rest of the code are looked for in any case. Pure: bytes in, a list out.
 */
#ifndef RECORDER_SYSCALL_SITES_H
#define RECORDER_SYSCALL_SITES_H

#include "move.h"

struct extent {
    uint64_t address;
    size_t length;
};

/* Executable code of one mapping, and the functions known in it, sorted by address. They may
 * overlap, be empty, or reach beyond the code; there may be none. */
struct text {
    struct code code;
    const struct extent *functions;
    size_t count;
    void *copy; /* plans.c: `code` is a copy of the target's memory, else the file's own bytes */
};

enum { SYSCALL_UNKNOWN = -1, SYSCALL_RUN_MAX = 48 };

enum syscall_stack {
    STACK_STAYS,
    STACK_UNMAPPED, /* munmap of the stack it stands on (musl's __unmapself): no hook behind it */
    STACK_NONE,     /* the system call behind that one: no hook at all */
};

struct syscall_site {
    uint64_t address; /* of the `syscall` itself, with its prefixes */
    int number;       /* of the system call, where it can only be that one; else UNKNOWN */
    uint64_t line;    /* the straight code that leads to it begins here or before */
    bool certain;     /* in a function whose extent is known */
    bool hands_on; /* a function's first argument is the number, its second the first of the call */
    enum syscall_stack stack;
    enum refusal refusal; /* MOVED: the run below can be detoured */
    uint64_t start;       /* whole instructions around the syscall, at least JUMP_BYTES long, */
    unsigned length;      /* which nothing jumps into: a jump may be written at `start` */
};

struct syscall_sites {
    struct syscall_site *list; /* by address */
    size_t count;
};

/* False: no memory. syscall_sites_free() is due in any case. */
bool syscall_sites_find(const struct text *text, struct syscall_sites *out);
void syscall_sites_free(struct syscall_sites *sites);

/* Whether brkpoint wants to see this system call (memory, processes, the end), or cannot tell. */
bool syscall_matters(int number);

#endif
