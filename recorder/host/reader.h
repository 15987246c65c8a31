/* reader.h - the place of the host in the stream of one thread. */
#ifndef RECORDER_READER_H
#define RECORDER_READER_H

#include <stdbool.h>
#include <stdint.h>

struct reader {
    uint32_t chunk, offset; /* chunk: index plus 1, 0: nothing read yet */
    uint64_t stop;          /* what this turn reads to: the thread's `cur` as it began (ring.h) */
    bool entered;           /* the call at `offset` has been written, its result is awaited */
    bool done;              /* thread gone, everything read */
    bool keeps;             /* the chunk holds a record that was begun and given up: ring.c */
    bool known;
    uint32_t pid, tid;
    uint64_t last_time;
    uint64_t pace_ns;  /* from one event without a time stamp to the next */
    uint64_t open[64]; /* stack pointers of open calls, innermost last */
    unsigned open_count;
    void *nodes;        /* what the thread's agent said of its nodes: drain/nodes.h */
    uint32_t node_room; /* so many of them */
    uint32_t walk_first, walk_last, walks_end; /* numbers of nodes: records.c */
    uint64_t sp;                               /* of the call at `offset` */
    uint64_t begun; /* and the time stamp with which it was entered; 0: none */
    char *path;     /* of the file that the next mmap maps */
};

#endif
