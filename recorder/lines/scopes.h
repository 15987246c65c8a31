/* scopes.h - which functions of a unit are around an address, inlined ones too. */
#ifndef LINES_SCOPES_H
#define LINES_SCOPES_H

#include "units.h"

/* An entry with code of its own. */
struct scope {
    struct entry entry;
    uint64_t low;
    size_t parent;    /* in the list; NO_SCOPE: none */
    bool is_function; /* of its own or inlined; else a block */
    bool is_code;     /* it has bounds */
    bool is_open;     /* a block without bounds: as if it were not there */
    bool is_dead;     /* its code was removed, or that around it */
};
#define NO_SCOPE SIZE_MAX

struct scopes {
    struct scope *list;
    size_t count, room;
    struct hit {
        size_t asked, scope;
    } * hits; /* an address lies in a scope, outer ones first */
    size_t hit_count, hit_room;
    /* Whether gdb keeps a map of addresses for the unit: where one of its blocks lies in pieces. Of
     * blocks that are no functions it makes some only. */
    enum { MAP_NONE, MAP_PERHAPS, MAP_SURE } map;
};

/* Of the `count` addresses of a unit with those bounds, sorted; *from: behind its first entry. *scopes begin
 * as zeros, or are those of another unit, whose memory is used again. `*spills` becomes true where the unit
 * has code that is not within its bounds, which gdb finds if it happens to have read the unit. False: not
 * understood, or no memory. scopes_free also then. */
bool scopes_read(struct scopes *scopes, struct reading *from, const struct asked *asked,
                 size_t count, const struct bounds *bounds, bool *spills, const struct unit *unit,
                 const struct sections *sections, const struct abbrevs *abbrevs);
void scopes_free(struct scopes *scopes);

/* The numbers of the scopes of functions around address number `which` of those, the innermost first. How
 * many; -1: gdb might find others, or there are more than `room` (which is at least 1). */
int scopes_around(const struct scopes *scopes, size_t which, size_t *found, int room);

#endif
