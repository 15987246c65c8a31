/* sets.h - the expressions that the benchmark evaluates, in sets. */
#ifndef SETS_H
#define SETS_H

#include <stddef.h>

struct set {
    const char *name;    /* one word, for the command line */
    const char *title;   /* for people */
    size_t count, bytes; /* of expressions; of all of them, without their NULs */
    const char **texts;  /* each ends in NUL */
    size_t *lengths;
    double wanted;       /* how many times the yardstick's speed; 0 where that is not asked */
    double wanted_crate; /* the same in times the original's, the crate mexe */
    double wanted_mb;    /* or how many MB/s */
};

/* How many sets there are, and the name of each. */
size_t set_count(void);
const char *set_name(size_t number);

/* Makes a set; the same expressions each time. */
struct set set_make(size_t number);
void set_free(struct set *set);

#endif
