/* inside.h - who is in the recorder's code in a stopped process, or will come back to it. */
#ifndef RECORDER_INSIDE_H
#define RECORDER_INSIDE_H

#include "ptrace/threads.h"

struct host;
struct process;

struct inside {
    size_t standing, returning; /* threads, or signals' frames; return addresses */
    unsigned areas;             /* bit set: of that code area */
    size_t saved, waiting;      /* contexts and return addresses of what nobody runs now */
    uint64_t searched_ns;       /* how long it took to look for these */
    bool unsearched;            /* there may be more of these */
};

/* Whoever can be moved out of it is. `last`: they will not run on. */
struct inside inside_look(struct host *h, struct process *p, const struct threads *threads,
                          bool last);

#endif
