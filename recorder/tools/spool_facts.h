/* spool_facts.h - what an information record of a spool says that a history wants to know. */
#ifndef BRKPOINT_SPOOL_FACTS_H
#define BRKPOINT_SPOOL_FACTS_H

#include <stddef.h>
#include <stdint.h>

struct facts {
    char type[24], name[64], impl[256], phase[24], arguments[64], returns[24];
    uint64_t id, index, pid, started, start, end, brk, tid, value, t_ns;
    int has_started, has_impl, has_arguments;
};

/* What the JSON object does not say stays as it is. */
void facts_read(struct facts *facts, const char *json, size_t length);

#endif
