/* mapped.h - a second look at what was mapped: is there memory that no system call that was seen made?
 *
 * Code made at run time, `int 0x80` and whatever else has no hook maps memory unseen. What a process
 * has when it ends is held against all that it had at its start and got by calls that were seen: the
 * rest is proof of calls that were not. Memory that is given back before the end leaves none.
 */
#ifndef RECORDER_MAPPED_H
#define RECORDER_MAPPED_H

#include "host.h"
#include "base/ranges.h"

struct mapped {
    struct ranges known;   /* at the start, and by calls */
    struct ranges last;    /* when it was about to end; of files and nobody, not the kernel's own */
    uint64_t lowest_break; /* 0: not known */
    uint64_t latest;       /* time stamp */
    uint64_t missing;      /* bytes of `last` that no call explains */
    uint64_t made_code;    /* bytes of code that is of no file, at the end */
    bool failed;           /* no memory: nothing is said */
    bool has_ended;        /* it was looked at for the last time */
};

/* The program of this process begins, or it was attached to: what is there needs no call. */
void mapped_begin(struct process *p);
void mapped_begin_by(struct process *p, const struct maps *maps);
/* The same of a child that was forked; it may run already. */
void mapped_inherit(struct process *child, const struct process *parent);
/* A memory syscall of that process, with the time stamps that it has; 0: none, it follows what was told
 * before. Those of several threads have both, and may be told in another order than they were done. */
struct mapped_call {
    uint32_t number;
    const uint64_t *args; /* 6 */
    int64_t returned;
    uint64_t begun, ended;
};
void mapped_call(struct process *p, const struct mapped_call *call);
void mapped_free(struct process *p);

#endif
