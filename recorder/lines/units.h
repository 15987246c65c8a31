/* units.h - the units of .debug_info, and which of them an address is of. */
#ifndef LINES_UNITS_H
#define LINES_UNITS_H

#include "entries.h"

/* [low, high) of an entry, and each of its ranges; gdb's dwarf2_get_pc_bounds. */
struct span {
    uint64_t low, high;
};
#define MOST_SPANS 256
struct bounds {
    enum { BOUNDS_NONE, BOUNDS_INVALID, BOUNDS_UNSURE, BOUNDS_SET } kind;
    struct span spans[MOST_SPANS];
    unsigned count;
    uint64_t low; /* the least */
};

/* By its attributes; BOUNDS_UNSURE: damaged, not understood, or more than MOST_SPANS. */
void bounds_of(struct bounds *bounds, const struct entry *entry, const struct unit *unit,
               const struct sections *sections);
/* Whether all of `inner` is in `outer`. */
bool bounds_within(const struct bounds *inner, const struct bounds *outer);

/* An address that is asked for. */
struct asked {
    uint64_t address;
    size_t place;  /* in what was asked */
    uint64_t unit; /* where the unit begins that it is of; NO_UNIT: of none */
    bool is_told;  /* of that unit in .debug_aranges too */
    bool is_unsure;
};
#define NO_UNIT UINT64_MAX
/* Of `count` sorted ones the first that is not before an address; `count`: there is none. */
size_t asked_from(const struct asked *asked, size_t count, uint64_t address);

/* The unit that begins at `offset`, *next: where another one does. False: not understood. */
bool unit_read(struct unit *unit, const struct sections *sections, uint64_t offset, uint64_t *next,
               bool *has_code);

/* Fill in all but `address` and `place` of each: they begin with unit NO_UNIT, sorted by address. False: nothing
 * is sure in this file. */
bool units_find(struct asked *asked, size_t count, const struct sections *sections,
                struct abbrevs *abbrevs);

/* The first entry of a unit that unit_read has read, which is filled in; *from reads on behind it. False: damaged,
 * or not understood. */
bool unit_entry(struct entry *entry, struct unit *unit, struct reading *from,
                const struct sections *sections, struct abbrevs *abbrevs);

#endif
