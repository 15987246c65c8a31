/* units.c - the units of .debug_info, and which of them an address is of. */
#include "units.h"

/* DWARF 5, 2.17.3 "Non-Contiguous Address Ranges"; 7.25. False: damaged, or of a kind that is not
 * understood. */
static bool read_rnglist(struct bounds *bounds, struct reading from, const struct unit *unit,
                         const struct sections *sections)
{
    uint64_t base = unit->base;
    bool has_base = unit->has_base;
    for (;;) {
        uint64_t kind = number(&from, 1), low = 0, high = 0;
        struct value one = {V_ADDRESS, 0, NULL}, other = one;
        if (kind >= 1 && kind <= 3)
            one = address_number(sections, unit, uleb(&from));
        if (kind == 2)
            other = address_number(sections, unit, uleb(&from));
        if (one.kind != V_ADDRESS || other.kind != V_ADDRESS)
            return false;
        switch (kind) {
        case 1: /* base_addressx */
            base = one.number;
            has_base = true;
            continue;
        case 2: /* startx_endx */
            low = one.number;
            high = other.number;
            break;
        case 3: /* startx_length */
            low = one.number;
            high = low + uleb(&from);
            break;
        case 0: /* end_of_list */
            return !from.bad;
        case 4: /* offset_pair */
            low = uleb(&from) + base;
            high = uleb(&from) + base;
            if (!has_base)
                return false;
            break;
        case 5: /* base_address */
            base = number(&from, 8);
            has_base = true;
            continue;
        case 6: /* start_end */
            low = number(&from, 8);
            high = number(&from, 8);
            break;
        case 7: /* start_length */
            low = number(&from, 8);
            high = low + uleb(&from);
            break;
        default:
            return false;
        }
        if (from.bad || low > high)
            return false;
        if (low == high || !low)
            continue;
        if (bounds->count == MOST_SPANS)
            return false;
        bounds->spans[bounds->count++] = (struct span){low, high};
    }
}

static bool read_ranges(struct bounds *bounds, struct reading from, const struct unit *unit)
{
    uint64_t base = unit->base;
    bool has_base = unit->has_base;
    for (;;) {
        uint64_t low = number(&from, 8), high = number(&from, 8);
        if (from.bad)
            return false;
        if (!low && !high)
            return true;
        if (low == UINT64_MAX) {
            base = high;
            has_base = true;
            continue;
        }
        if (!has_base || low > high)
            return false;
        if (low == high || !(low + base))
            continue;
        if (bounds->count == MOST_SPANS || low + base > high + base)
            return false;
        bounds->spans[bounds->count++] = (struct span){low + base, high + base};
    }
}

void bounds_of(struct bounds *bounds, const struct entry *entry, const struct unit *unit,
               const struct sections *sections)
{
    const struct value *low = &entry->of[A_LOW_PC], *high = &entry->of[A_HIGH_PC],
                       *ranges = &entry->of[A_RANGES];
    bounds->count = 0;
    bounds->low = UINT64_MAX;
    bounds->kind = BOUNDS_UNSURE;
    if (high->kind != V_NONE && ranges->kind == V_NONE) {
        if (low->kind != V_ADDRESS || (high->kind != V_ADDRESS && high->kind != V_NUMBER))
            return;
        uint64_t end = high->kind == V_ADDRESS ? high->number : low->number + high->number;
        if (high->kind == V_NUMBER && unit->version < 4)
            return;
        bounds->spans[bounds->count++] = (struct span){low->number, end};
        if (end <= low->number || !low->number)
            bounds->count = 0;
    } else if (ranges->kind == V_NONE && high->kind == V_NONE) {
        bounds->kind = BOUNDS_NONE;
        return;
    } else {
        if (high->kind != V_NONE || ranges->kind != V_OFFSET)
            return;
        bool is_new = unit->version >= 5;
        struct reading from = section_from(sections, is_new ? RNGLISTS : RANGES, ranges->number);
        if (!(is_new ? read_rnglist(bounds, from, unit, sections)
                     : read_ranges(bounds, from, unit)))
            return;
    }
    for (unsigned i = 0; i < bounds->count; i++)
        if (bounds->spans[i].low < bounds->low)
            bounds->low = bounds->spans[i].low;
    bounds->kind = bounds->count ? BOUNDS_SET : BOUNDS_INVALID;
}

bool bounds_within(const struct bounds *inner, const struct bounds *outer)
{
    for (unsigned i = 0; i < inner->count; i++) {
        unsigned at = 0;
        while (at < outer->count && (inner->spans[i].low < outer->spans[at].low ||
                                     inner->spans[i].high > outer->spans[at].high))
            at++;
        if (at == outer->count)
            return false;
    }
    return true;
}

bool unit_read(struct unit *unit, const struct sections *sections, uint64_t offset, uint64_t *next,
               bool *has_code)
{
    struct reading from = section_from(sections, INFO, offset);
    uint64_t length = number(&from, 4), type = 1;
    if (from.bad || length >= 0xfffffff0u || length > (uint64_t)(from.end - from.at))
        return false;
    memset(unit, 0, sizeof *unit);
    unit->offset = offset;
    unit->end = *next = offset + 4 + length;
    unit->version = (unsigned)number(&from, 2);
    if (unit->version < 2 || unit->version > 5)
        return false;
    if (unit->version >= 5)
        type = number(&from, 1);
    uint64_t size = unit->version >= 5 ? number(&from, 1) : 0;
    unit->abbrev_offset = number(&from, 4);
    size = unit->version >= 5 ? size : number(&from, 1);
    unit->first = (uint64_t)(from.at - sections->of[INFO].at);
    *has_code = type == 1;
    return !from.bad && size == 8 && type >= 1 && type <= 3 && unit->first <= unit->end;
}

static bool all(unsigned tag)
{
    return tag == TAG_COMPILE_UNIT || tag == TAG_PARTIAL_UNIT;
}

static bool take_base(uint64_t *base, const struct value *value)
{
    if (value->kind != V_NONE)
        *base = value->number;
    return value->kind == V_NONE || value->kind == V_OFFSET;
}

bool unit_entry(struct entry *entry, struct unit *unit, struct reading *from,
                const struct sections *sections, struct abbrevs *abbrevs)
{
    if (unit->first == unit->end || !abbrevs_read(abbrevs, sections, unit->abbrev_offset))
        return false;
    unit->str_base = unit->addr_base = unit->rng_base = NO_BASE;
    for (unsigned turn = 0; turn < 2; turn++) { /* what stands before a base is read with it then */
        *from = section_from(sections, INFO, unit->first);
        from->end = sections->of[INFO].at + unit->end;
        if (!entry_read(entry, from, sections, unit, abbrevs, all) || !all(entry->tag) ||
            entry->of[A_FOREIGN].kind != V_NONE)
            return false;
        if (!take_base(&unit->str_base, &entry->of[A_STR_BASE]) ||
            !take_base(&unit->addr_base, &entry->of[A_ADDR_BASE]) ||
            !take_base(&unit->rng_base, &entry->of[A_RNG_BASE]))
            return false;
    }
    const struct value *low = &entry->of[A_LOW_PC];
    if (low->kind != V_NONE && low->kind != V_ADDRESS)
        return false;
    unit->has_base = low->kind == V_ADDRESS;
    unit->base = low->number;
    return true;
}

static bool is_subprogram(unsigned tag)
{
    return tag == TAG_SUBPROGRAM;
}

/* Whether a unit of which nothing says where its code lies has none. */
static bool has_no_code(struct reading *from, const struct unit *unit,
                        const struct sections *sections, const struct abbrevs *abbrevs)
{
    static struct bounds bounds;
    while (from->at < from->end) {
        struct entry entry;
        if (!entry_read(&entry, from, sections, unit, abbrevs, is_subprogram))
            return false;
        if (!is_subprogram(entry.tag))
            continue;
        bounds_of(&bounds, &entry, unit, sections);
        if (bounds.kind == BOUNDS_SET || bounds.kind == BOUNDS_UNSURE)
            return false;
    }
    return true;
}

size_t asked_from(const struct asked *asked, size_t count, uint64_t address)
{
    size_t first = 0, last = count;
    while (first < last) {
        size_t middle = (first + last) / 2;
        if (asked[middle].address < address)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

static void claim(struct asked *asked, size_t count, const struct span *span, uint64_t unit)
{
    for (size_t i = asked_from(asked, count, span->low); i < count && asked[i].address < span->high;
         i++) {
        if (asked[i].unit != NO_UNIT && asked[i].unit != unit)
            asked[i].is_unsure = true;
        asked[i].unit = unit;
    }
}

/* What one set of .debug_aranges says of a unit. DWARF 5, 6.1.2. False: damaged. */
static bool hear(struct asked *asked, size_t count, struct reading *set)
{
    uint64_t version = number(set, 2), unit = number(set, 4);
    if (version != 2 || number(set, 1) != 8 || number(set, 1) != 0)
        return false;
    for (skip(set, 4); !set->bad && set->at < set->end;) {
        uint64_t low = number(set, 8), size = number(set, 8);
        if (set->bad || (!low && !size) || low + size < low)
            break;
        for (size_t i = low ? asked_from(asked, count, low) : count;
             i < count && asked[i].address - low < size; i++) {
            asked[i].is_unsure |= asked[i].unit != unit;
            asked[i].is_told = true;
        }
    }
    for (size_t i = 0; i < count; i++)
        asked[i].is_unsure |= asked[i].unit == unit && !asked[i].is_told;
    return !set->bad;
}

/* .debug_aranges is where gdb looks first: what says otherwise makes unsure. */
static bool agree(struct asked *asked, size_t count, const struct sections *sections)
{
    if (!sections->of[ARANGES].size)
        return true;
    struct reading from = section_from(sections, ARANGES, 0);
    while (from.at < from.end) {
        uint64_t length = number(&from, 4);
        if (from.bad || length >= 0xfffffff0u || length > (uint64_t)(from.end - from.at) ||
            length < 12)
            return false;
        struct reading set = {from.at, from.at + length, false};
        skip(&from, length);
        if (!hear(asked, count, &set))
            return false;
    }
    return true;
}

bool units_find(struct asked *asked, size_t count, const struct sections *sections,
                struct abbrevs *abbrevs)
{
    static struct bounds bounds;
    uint64_t next = 0, end = sections->of[INFO].size;
    for (uint64_t offset = 0; offset < end; offset = next) {
        struct unit unit;
        struct entry entry;
        struct reading from;
        bool has_code;
        if (!unit_read(&unit, sections, offset, &next, &has_code))
            return false;
        if (!has_code)
            continue;
        if (!unit_entry(&entry, &unit, &from, sections, abbrevs))
            return false;
        bounds_of(&bounds, &entry, &unit, sections);
        if (bounds.kind == BOUNDS_UNSURE)
            return false;
        if (bounds.kind != BOUNDS_SET && !has_no_code(&from, &unit, sections, abbrevs))
            return false;
        for (unsigned i = 0; i < bounds.count; i++)
            claim(asked, count, bounds.spans + i, offset);
    }
    return agree(asked, count, sections);
}
