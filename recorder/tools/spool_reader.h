/* spool_reader.h - hands an ordinary spool (docs/trace-format.md) to a history. */
#ifndef BRKPOINT_SPOOL_READER_H
#define BRKPOINT_SPOOL_READER_H

#include <stdio.h>
#include "host/history/history.h"

struct reader_options {
    uint32_t node_numbers; /* how many numbers of nodes a thread has before it uses them again */
    uint32_t flush_every;  /* records between two flushes; 0: only full chunks */
    uint32_t together;     /* not 0: a call and its return are told as one, where they can be */
};

/* Reads all records; NULL, or what is wrong with the file, in words. A record that the end cuts
 * off is no error. */
const char *spool_to_history(FILE *file, struct history *h, const struct reader_options *options);

#endif
