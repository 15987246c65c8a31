/* entries.c - the entries of .debug_info, with the attributes that matter here. */
#include "entries.h"

#include <stdlib.h>

#define MOST_CODES 65536u
#define VARIES UINT32_MAX

static int attribute_of(uint64_t name)
{
    switch (name) {
    case 0x03:
        return A_NAME;
    case 0x10:
        return A_STMT_LIST;
    case 0x11:
        return A_LOW_PC;
    case 0x12:
        return A_HIGH_PC;
    case 0x13:
        return A_LANGUAGE;
    case 0x1b:
        return A_COMP_DIR;
    case 0x25:
        return A_PRODUCER;
    case 0x31:
    case 0x47:
        return A_ORIGIN;
    case 0x3a:
        return A_DECL_FILE;
    case 0x55:
        return A_RANGES;
    case 0x58:
        return A_CALL_FILE;
    case 0x59:
        return A_CALL_LINE;
    case 0x6e:
    case 0x2007:
        return A_LINKAGE_NAME;
    case 0x72:
        return A_STR_BASE;
    case 0x73:
        return A_ADDR_BASE;
    case 0x74:
        return A_RNG_BASE;
    case 0x76:   /* dwo_name */
    case 0x2130: /* GNU_dwo_name */
    case 0x2132: /* GNU_ranges_base */
    case 0x2133: /* GNU_addr_base */
        return A_FOREIGN;
    default:
        return -1;
    }
}

/* Bytes of a form; VARIES, or 0 and *known false where it is not understood. */
static uint32_t size_of(uint64_t form, bool *known)
{
    switch (form) {
    case 0x19: /* flag_present */
    case 0x21: /* implicit_const */
        return 0;
    case 0x0b: /* data1 */
    case 0x0c: /* flag */
    case 0x11: /* ref1 */
    case 0x25: /* strx1 */
    case 0x29: /* addrx1 */
        return 1;
    case 0x05: /* data2 */
    case 0x12: /* ref2 */
    case 0x26: /* strx2 */
    case 0x2a: /* addrx2 */
        return 2;
    case 0x27: /* strx3 */
    case 0x2b: /* addrx3 */
        return 3;
    case 0x06: /* data4 */
    case 0x0e: /* strp */
    case 0x10: /* ref_addr */
    case 0x13: /* ref4 */
    case 0x17: /* sec_offset */
    case 0x1f: /* line_strp */
    case 0x28: /* strx4 */
    case 0x2c: /* addrx4 */
        return 4;
    case 0x01: /* addr */
    case 0x07: /* data8 */
    case 0x14: /* ref8 */
    case 0x20: /* ref_sig8 */
        return 8;
    case 0x1e: /* data16 */
        return 16;
    case 0x03: /* block2 */
    case 0x04: /* block4 */
    case 0x08: /* string */
    case 0x09: /* block */
    case 0x0a: /* block1 */
    case 0x0d: /* sdata */
    case 0x0f: /* udata */
    case 0x15: /* ref_udata */
    case 0x18: /* exprloc */
    case 0x1a: /* strx */
    case 0x1b: /* addrx */
    case 0x22: /* loclistx */
    case 0x23: /* rnglistx */
        return VARIES;
    default:
        *known = false;
        return 0;
    }
}

/* One attribute of an abbreviation; false at their end. */
static bool next_spec(struct reading *from, uint64_t *name, uint64_t *form, int64_t *constant)
{
    *name = uleb(from);
    *form = uleb(from);
    *constant = *form == 0x21 ? sleb(from) : 0;
    if (!*name != !*form)
        reading_fails(from);
    return !from->bad && *name;
}

static struct abbrev *room_for(struct abbrevs *abbrevs, uint64_t code)
{
    if (!code || code >= MOST_CODES)
        return NULL;
    if (code >= abbrevs->room) {
        size_t room = abbrevs->room ? abbrevs->room : 64;
        while (room <= code)
            room *= 2;
        struct abbrev *list = realloc(abbrevs->list, room * sizeof *list);
        if (list == NULL)
            return NULL;
        memset(list + abbrevs->room, 0, (room - abbrevs->room) * sizeof *list);
        abbrevs->list = list;
        abbrevs->room = room;
    }
    return abbrevs->list + code;
}

bool abbrevs_read(struct abbrevs *abbrevs, const struct sections *sections, uint64_t offset)
{
    if (abbrevs->offset == offset)
        return true;
    abbrevs->offset = UINT64_MAX;
    if (abbrevs->list != NULL)
        memset(abbrevs->list, 0, abbrevs->room * sizeof *abbrevs->list);
    struct reading from = section_from(sections, ABBREV, offset);
    abbrevs->end = from.end;
    for (;;) {
        uint64_t code = uleb(&from);
        if (from.bad || !code)
            break;
        struct abbrev *abbrev = room_for(abbrevs, code);
        uint64_t tag = uleb(&from), children = number(&from, 1), name, form;
        if (abbrev == NULL || abbrev->specs != NULL || tag > UINT16_MAX || !tag || children > 1)
            return false;
        *abbrev = (struct abbrev){(uint16_t)tag, children, true, 0, from.at};
        int64_t constant;
        while (next_spec(&from, &name, &form, &constant)) {
            uint32_t size = size_of(form, &abbrev->is_known);
            bool varies = size == VARIES || abbrev->fixed == VARIES;
            abbrev->fixed = varies ? VARIES : abbrev->fixed + size;
        }
    }
    if (from.bad)
        return false;
    abbrevs->offset = offset;
    return true;
}

static void skip_form(struct reading *from, uint64_t form)
{
    bool known = true;
    uint32_t size = size_of(form, &known);
    if (size != VARIES)
        skip(from, size);
    else if (form == 0x08)
        text(from);
    else if (form == 0x0d)
        sleb(from);
    else if (form == 0x0f || form == 0x15 || form == 0x1a || form == 0x1b || form == 0x22 ||
             form == 0x23)
        uleb(from);
    else if (form == 0x0a)
        skip(from, number(from, 1));
    else if (form == 0x03)
        skip(from, number(from, 2));
    else if (form == 0x04)
        skip(from, number(from, 4));
    else
        skip(from, uleb(from));
}

static struct value text_at(const struct sections *sections, unsigned which, uint64_t offset)
{
    struct reading from = section_from(sections, which, offset);
    const char *found = from.bad ? NULL : text(&from);
    return (struct value){found ? V_TEXT : V_NOT_READ, 0, found};
}

/* The number of `size` bytes that is number `index` behind `base`; false: there is none. */
static bool numbered(const struct sections *sections, unsigned which, uint64_t base, uint64_t index,
                     unsigned size, uint64_t *found)
{
    if (base == NO_BASE || index > UINT32_MAX || base > UINT32_MAX)
        return false;
    struct reading from = section_from(sections, which, base + index * size);
    *found = number(&from, size);
    return !from.bad;
}

struct value address_number(const struct sections *sections, const struct unit *unit,
                            uint64_t index)
{
    uint64_t found = 0;
    bool is_there = numbered(sections, ADDR, unit->addr_base, index, 8, &found);
    return (struct value){is_there ? V_ADDRESS : V_NOT_READ, found, NULL};
}

static struct value text_number(const struct sections *sections, const struct unit *unit,
                                uint64_t index)
{
    uint64_t found;
    if (!numbered(sections, STR_OFFSETS, unit->str_base, index, 4, &found))
        return (struct value){V_NOT_READ, 0, NULL};
    return text_at(sections, STR, found);
}

static struct value ranges_number(const struct sections *sections, const struct unit *unit,
                                  uint64_t index)
{
    uint64_t found = 0;
    bool is_there = numbered(sections, RNGLISTS, unit->rng_base, index, 4, &found);
    return (struct value){is_there ? V_OFFSET : V_NOT_READ, unit->rng_base + found, NULL};
}

static struct value read_form(struct reading *from, uint64_t form, int64_t constant,
                              const struct sections *sections, const struct unit *unit)
{
    switch (form) {
    case 0x01:
        return (struct value){V_ADDRESS, number(from, 8), NULL};
    case 0x05:
        return (struct value){V_NUMBER, number(from, 2), NULL};
    case 0x06:
        return (struct value){V_NUMBER, number(from, 4), NULL};
    case 0x07:
        return (struct value){V_NUMBER, number(from, 8), NULL};
    case 0x0b:
        return (struct value){V_NUMBER, number(from, 1), NULL};
    case 0x0f:
        return (struct value){V_NUMBER, uleb(from), NULL};
    case 0x0d:
        constant = sleb(from);
        return (struct value){constant < 0 ? V_NOT_READ : V_NUMBER, (uint64_t)constant, NULL};
    case 0x21:
        return (struct value){constant < 0 ? V_NOT_READ : V_NUMBER, (uint64_t)constant, NULL};
    case 0x08: {
        const char *found = text(from);
        return (struct value){found ? V_TEXT : V_NOT_READ, 0, found};
    }
    case 0x0e:
        return text_at(sections, STR, number(from, 4));
    case 0x1f:
        return text_at(sections, LINE_STR, number(from, 4));
    case 0x1a:
        return text_number(sections, unit, uleb(from));
    case 0x25:
    case 0x26:
    case 0x27:
    case 0x28:
        return text_number(sections, unit, number(from, (unsigned)form - 0x24));
    case 0x1b:
        return address_number(sections, unit, uleb(from));
    case 0x29:
    case 0x2a:
    case 0x2b:
    case 0x2c:
        return address_number(sections, unit, number(from, (unsigned)form - 0x28));
    case 0x23:
        return ranges_number(sections, unit, uleb(from));
    case 0x17:
        return (struct value){V_OFFSET, number(from, 4), NULL};
    case 0x11:
        return (struct value){V_ENTRY, unit->offset + number(from, 1), NULL};
    case 0x12:
        return (struct value){V_ENTRY, unit->offset + number(from, 2), NULL};
    case 0x13:
        return (struct value){V_ENTRY, unit->offset + number(from, 4), NULL};
    case 0x15:
        return (struct value){V_ENTRY, unit->offset + uleb(from), NULL};
    default:
        skip_form(from, form);
        return (struct value){V_NOT_READ, 0, NULL};
    }
}

static void read_attributes(struct entry *entry, struct reading *from, struct reading specs,
                            const struct sections *sections, const struct unit *unit)
{
    uint64_t name, form;
    int64_t constant;
    memset(entry->of, 0, sizeof entry->of);
    while (!from->bad && next_spec(&specs, &name, &form, &constant)) {
        int which = attribute_of(name);
        if (which < 0) {
            skip_form(from, form);
            continue;
        }
        struct value value = read_form(from, form, constant, sections, unit);
        if (entry->of[which].kind != V_NONE)
            value.kind = V_NOT_READ; /* twice */
        entry->of[which] = value;
    }
}

bool entry_read(struct entry *entry, struct reading *from, const struct sections *sections,
                const struct unit *unit, const struct abbrevs *abbrevs, bool (*wants)(unsigned tag))
{
    entry->offset = (uint64_t)(from->at - sections->of[INFO].at);
    uint64_t code = uleb(from);
    entry->tag = 0;
    entry->has_children = false;
    if (!code)
        return !from->bad;
    const struct abbrev *abbrev = code < abbrevs->room ? abbrevs->list + code : NULL;
    if (from->bad || abbrev == NULL || abbrev->specs == NULL || !abbrev->is_known)
        return false;
    entry->tag = abbrev->tag;
    entry->has_children = abbrev->has_children;
    struct reading specs = {abbrev->specs, abbrevs->end, false};
    uint64_t name, form;
    int64_t constant;
    if (wants(entry->tag))
        read_attributes(entry, from, specs, sections, unit);
    else if (abbrev->fixed != VARIES)
        skip(from, abbrev->fixed);
    else
        while (!from->bad && next_spec(&specs, &name, &form, &constant))
            skip_form(from, form);
    return !from->bad;
}
