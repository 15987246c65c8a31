/* scopes.c - which functions of a unit are around an address, inlined ones too.
 *
 * gdb finds the innermost block around an address and walks outwards by what encloses it in the
 * tree of entries (gdb/buildsym.c, block.c). Where entries are nested as their code is, that is
 * the list of those that hold the address; where they are not, it is left to gdb.
 */
#include "scopes.h"

#include <stdlib.h>

#include "host/base/grow.h"

#define MOST_DEEP 512
#define ASTRAY                                                                                     \
    (SIZE_MAX - 1) /* in place of a scope: within what is none, where gdb does not look */
#define MOST_SCOPES (1u << 20)

static bool is_scope(unsigned tag)
{
    return tag == TAG_SUBPROGRAM || tag == TAG_INLINED || tag == TAG_LEXICAL_BLOCK ||
           tag == TAG_TRY_BLOCK || tag == TAG_CATCH_BLOCK;
}

static bool hit(struct scopes *scopes, size_t asked, size_t scope)
{
    struct hit *grown =
        with_room_for_one(scopes->hits, scopes->hit_count, &scopes->hit_room, 64, sizeof *grown);
    if (grown == NULL)
        return false;
    scopes->hits = grown;
    scopes->hits[scopes->hit_count++] = (struct hit){asked, scope};
    return true;
}

static bool add(struct scopes *scopes, const struct entry *entry, size_t parent,
                const struct asked *asked, size_t count, const struct bounds *outer, bool *spills,
                const struct unit *unit, const struct sections *sections)
{
    static struct bounds bounds;
    bool is_astray = parent == ASTRAY;
    parent = is_astray ? NO_SCOPE : parent;
    bool is_dead = parent != NO_SCOPE && scopes->list[parent].is_dead;
    if (scopes->count >= MOST_SCOPES)
        return false;
    struct scope *grown =
        with_room_for_one(scopes->list, scopes->count, &scopes->room, 64, sizeof *grown);
    if (grown == NULL)
        return false;
    scopes->list = grown;
    struct scope *scope = scopes->list + scopes->count;
    bounds_of(&bounds, entry, unit, sections);
    if (bounds.kind == BOUNDS_UNSURE)
        return false;
    bool is_called = entry->of[A_CALL_LINE].kind && entry->of[A_CALL_FILE].kind;
    bool is_function = entry->tag == TAG_SUBPROGRAM || (entry->tag == TAG_INLINED && is_called);
    *scope = (struct scope){*entry,
                            bounds.low,
                            parent,
                            is_function,
                            bounds.kind == BOUNDS_SET,
                            !is_function && bounds.kind == BOUNDS_NONE,
                            is_dead || bounds.kind == BOUNDS_INVALID};
    *spills |= !scope->is_dead && (is_astray || !bounds_within(&bounds, outer)) && bounds.count;
    if (bounds.count > 1 && scopes->map != MAP_SURE)
        scopes->map = is_function ? MAP_SURE : MAP_PERHAPS;
    size_t number = scopes->count++;
    for (unsigned span = 0; span < bounds.count; span++)
        for (size_t i = asked_from(asked, count, bounds.spans[span].low);
             i < count && asked[i].address < bounds.spans[span].high; i++)
            if (!hit(scopes, i, number))
                return false;
    return true;
}

static int by_asked(const void *a, const void *b)
{
    const struct hit *one = a, *other = b;
    if (one->asked != other->asked)
        return one->asked < other->asked ? -1 : 1;
    return (one->scope > other->scope) - (one->scope < other->scope);
}

/* What is hit twice by one scope, whose pieces overlap, is hit once. */
static void sort(struct scopes *scopes)
{
    size_t kept = 0;
    if (!scopes->hit_count)
        return;
    qsort(scopes->hits, scopes->hit_count, sizeof *scopes->hits, by_asked);
    for (size_t i = 1; i < scopes->hit_count; i++)
        if (by_asked(scopes->hits + kept, scopes->hits + i))
            scopes->hits[++kept] = scopes->hits[i];
    scopes->hit_count = kept + 1;
}

/* The number of the first hit of that address or a later one. */
static size_t hits_from(const struct scopes *scopes, size_t which)
{
    size_t first = 0, last = scopes->hit_count;
    while (first < last) {
        size_t middle = (first + last) / 2;
        if (scopes->hits[middle].asked < which)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

static bool read_entries(struct scopes *scopes, struct reading *from, const struct asked *asked,
                         size_t count, const struct bounds *bounds, bool *spills,
                         const struct unit *unit, const struct sections *sections,
                         const struct abbrevs *abbrevs)
{
    size_t around[MOST_DEEP] = {NO_SCOPE}; /* by depth: the scope that what is there lies in */
    unsigned depth = 0;
    scopes->count = scopes->hit_count = 0;
    scopes->map = bounds->count > 1 ? MAP_SURE : MAP_NONE;
    while (from->at < from->end) {
        struct entry entry;
        if (!entry_read(&entry, from, sections, unit, abbrevs, is_scope))
            return false;
        if (!entry.tag) {
            if (!depth) /* the unit's own list ends */
                return true;
            depth--;
            continue;
        }
        size_t own = around[depth];
        if (is_scope(entry.tag)) {
            if (!add(scopes, &entry, own, asked, count, bounds, spills, unit, sections))
                return false;
            own = scopes->count - 1;
        } else {
            own = ASTRAY;
        }
        if (entry.has_children) {
            if (++depth == MOST_DEEP)
                return false;
            around[depth] = own;
        }
    }
    return !depth;
}

bool scopes_read(struct scopes *scopes, struct reading *from, const struct asked *asked,
                 size_t count, const struct bounds *bounds, bool *spills, const struct unit *unit,
                 const struct sections *sections, const struct abbrevs *abbrevs)
{
    bool is_read =
        read_entries(scopes, from, asked, count, bounds, spills, unit, sections, abbrevs);
    sort(scopes);
    return is_read;
}

void scopes_free(struct scopes *scopes)
{
    free(scopes->list);
    free(scopes->hits);
}

/* The next scope outwards that gdb makes a block of. */
static size_t outer(const struct scopes *scopes, size_t scope)
{
    do
        scope = scopes->list[scope].parent;
    while (scope != NO_SCOPE && scopes->list[scope].is_open);
    return scope;
}

/* Of functions that hold the same address and nothing within, as an assembler tells of several names
 * of one: the map keeps the first; without it the last one is found that begins last. */
static int one_of_several(const struct scopes *scopes, size_t which, size_t *found)
{
    const struct scope *list = scopes->list;
    bool is_any = false;
    for (size_t i = hits_from(scopes, which);
         i < scopes->hit_count && scopes->hits[i].asked == which; i++) {
        size_t number = scopes->hits[i].scope;
        if (list[number].parent != NO_SCOPE || !list[number].is_function)
            return -1;
        if (!is_any || (scopes->map == MAP_NONE && list[number].low >= list[*found].low))
            *found = number;
        is_any = true;
    }
    return is_any && scopes->map != MAP_PERHAPS ? 1 : -1;
}

int scopes_around(const struct scopes *scopes, size_t which, size_t *found, int room)
{
    int count = 0;
    size_t last = NO_SCOPE;
    for (size_t i = hits_from(scopes, which);
         i < scopes->hit_count && scopes->hits[i].asked == which; i++) {
        size_t number = scopes->hits[i].scope;
        const struct scope *scope = scopes->list + number;
        if (outer(scopes, number) != last) /* not within the one before, or not in all between */
            return one_of_several(scopes, which, found);
        if (last != NO_SCOPE && scope->low < scopes->list[last].low)
            return -1;
        last = number;
        if (!scope->is_function)
            continue;
        if (count == room)
            return -1;
        found[count++] = number;
    }
    for (int i = 0; i < count / 2; i++) {
        size_t swapped = found[i];
        found[i] = found[count - 1 - i];
        found[count - 1 - i] = swapped;
    }
    return count;
}
