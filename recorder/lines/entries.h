/* entries.h - the entries of .debug_info (DIEs), with the attributes that matter here. DWARF 5, 7.5. */
#ifndef LINES_ENTRIES_H
#define LINES_ENTRIES_H

#include "sections.h"

enum {
    TAG_LEXICAL_BLOCK = 0x0b,
    TAG_COMPILE_UNIT = 0x11,
    TAG_INLINED = 0x1d,
    TAG_CATCH_BLOCK = 0x25,
    TAG_SUBPROGRAM = 0x2e,
    TAG_TRY_BLOCK = 0x32,
    TAG_PARTIAL_UNIT = 0x3c,
};

/* What is read of an entry. */
enum {
    A_NAME,
    A_STMT_LIST,
    A_LOW_PC,
    A_HIGH_PC,
    A_LANGUAGE,
    A_COMP_DIR,
    A_PRODUCER,
    A_ORIGIN, /* abstract_origin or specification */
    A_DECL_FILE,
    A_RANGES,
    A_CALL_FILE,
    A_CALL_LINE,
    A_LINKAGE_NAME,
    A_STR_BASE, /* where what is named by number begins, of the unit */
    A_ADDR_BASE,
    A_RNG_BASE,
    A_FOREIGN, /* what leads into another file */
    ATTRIBUTES
};

/* V_NOT_READ: it is there, in a form that is not understood here. */
enum { V_NONE, V_NOT_READ, V_ADDRESS, V_NUMBER, V_TEXT, V_OFFSET, V_ENTRY };

struct value {
    uint8_t kind;
    uint64_t
        number; /* an address, a number, an offset in a section, or of an entry in .debug_info */
    const char *text; /* of the sections */
};

struct entry {
    uint64_t offset; /* in .debug_info */
    unsigned tag;    /* 0: it ends a list */
    bool has_children;
    struct value of[ATTRIBUTES];
};

/* What all entries of a unit say alike. */
struct abbrev {
    uint16_t tag;
    bool has_children, is_known; /* is_known: its forms are */
    uint32_t fixed;              /* bytes of its attributes; UINT32_MAX: that differs */
    const uint8_t *specs;
};

/* Begin as {.offset = UINT64_MAX}; `list` is to be freed by whoever has them. */
struct abbrevs {
    struct abbrev *list; /* by code */
    size_t room;
    uint64_t offset; /* of the table that it was read from; UINT64_MAX: of none */
    const uint8_t *end;
};

struct unit {
    uint64_t offset, end,
        first; /* in .debug_info: of the header, behind it all, of its first entry */
    uint64_t abbrev_offset, base; /* base: of its ranges */
    unsigned version;
    bool has_base;
    uint64_t str_base, addr_base, rng_base; /* NO_BASE: none is known */
};
#define NO_BASE UINT64_MAX

/* Those of a unit, by its abbrev_offset; nothing is done where they are there already. False: they are damaged,
 * too many, or there is no memory. */
bool abbrevs_read(struct abbrevs *abbrevs, const struct sections *sections, uint64_t offset);

/* Number `index` of the addresses of a unit: V_ADDRESS, or V_NOT_READ. */
struct value address_number(const struct sections *sections, const struct unit *unit,
                            uint64_t index);

/* The entry at *from, with its attributes if `wants(tag)`, else `of` is left as it was; then *from is behind
 * it. False: damaged or not understood. */
bool entry_read(struct entry *entry, struct reading *from, const struct sections *sections,
                const struct unit *unit, const struct abbrevs *abbrevs,
                bool (*wants)(unsigned tag));

#endif
