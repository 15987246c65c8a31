/* answers.c - what is said of the addresses of a file.
 *
 * The rules are those of gdb-scripts/brkpoint_gdb/symbol_lookup.py (chain_at, own_place), which asks
 * gdb the same. Only C and assembly: names of other languages are made, not read.
 */
#include "answers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "program.h"
#include "scopes.h"

#define MOST_AROUND 64 /* functions at one address; real code stays below 60 */
#define MOST_HOPS 4    /* from a function to the entry that has its name */
#define ROOM 32768     /* bytes of an answer */

struct answer {
    char *text;
    size_t used;
    bool is_unsure;
};

/* A unit that is being looked at. */
struct looking {
    const struct sections *sections;
    struct abbrevs abbrevs;
    struct unit unit;
    struct scopes scopes;
    struct program program;
    bool spills;     /* a unit has code that it does not tell of */
    bool is_partial; /* a unit was not understood */
};

static void put(struct answer *answer, const char *format, ...)
{
    va_list more;
    va_start(more, format);
    int size = vsnprintf(answer->text + answer->used, ROOM - answer->used, format, more);
    va_end(more);
    if (size < 0 || answer->used + (size_t)size >= ROOM)
        answer->is_unsure = true;
    else
        answer->used += (size_t)size;
}

/* Only what is the same in JSON and in gdb, whatever the encoding. */
static bool is_plain(const char *name)
{
    for (const char *at = name; *at; at++)
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
            return false;
    return name[0] != 0;
}

static void put_text(struct answer *answer, const char *text)
{
    if (!is_plain(text))
        answer->is_unsure = true;
    else
        put(answer, "\"%s\"", text);
}

static bool is_function(unsigned tag)
{
    return tag == TAG_SUBPROGRAM;
}

/* The attribute, at the entry or where that comes from. Its kind is V_NONE where there is none, and
 * V_NOT_READ where that is not sure. */
static struct value find(const struct looking *looking, const struct entry *entry, unsigned which)
{
    static const struct value unsure = {V_NOT_READ, 0, NULL};
    struct entry room;
    for (unsigned hop = 0; hop < MOST_HOPS; hop++) {
        const struct value *origin = entry->of + A_ORIGIN;
        if (entry->of[which].kind != V_NONE || origin->kind == V_NONE)
            return entry->of[which];
        if (origin->kind != V_ENTRY || origin->number < looking->unit.first ||
            origin->number >= looking->unit.end)
            return unsure;
        struct reading from = section_from(looking->sections, INFO, origin->number);
        from.end = looking->sections->of[INFO].at + looking->unit.end;
        if (!entry_read(&room, &from, looking->sections, &looking->unit, &looking->abbrevs,
                        is_function) ||
            room.tag != TAG_SUBPROGRAM)
            return unsure;
        entry = &room;
    }
    return unsure;
}

/* The linker's name for a function of C goes before the one in the source. One that is in no source
 * is none to gdb. */
static void put_name(struct answer *answer, const struct looking *looking,
                     const struct scope *scope)
{
    struct value name = find(looking, &scope->entry, A_NAME);
    struct value linkers = find(looking, &scope->entry, A_LINKAGE_NAME);
    if (name.kind != V_TEXT || (linkers.kind != V_TEXT && linkers.kind != V_NONE))
        answer->is_unsure = true;
    else
        put_text(answer, linkers.kind == V_TEXT ? linkers.text : name.text);
}

static void put_place(struct answer *answer, const struct looking *looking, size_t source,
                      uint64_t line)
{
    put(answer, ",");
    if (source == NO_SOURCE)
        put(answer, "null");
    else
        put_text(answer, looking->program.sources[source].name);
    if (line && line <= INT32_MAX)
        put(answer, ",%u]", (unsigned)line);
    else
        put(answer, ",null]");
    answer->is_unsure |= line > INT32_MAX;
}

/* Of a function into which nothing is inlined there: the place in its own file, where the line is in
 * another one: what an optimiser mixed in, without telling of a call. */
static void find_own(struct answer *answer, const struct looking *looking,
                     const struct scope *scope, uint64_t address, size_t *source, uint32_t *line)
{
    struct value file = find(looking, &scope->entry, A_DECL_FILE);
    size_t own = looking->program.main;
    if (file.kind != V_NONE)
        own = program_file(&looking->program, &file);
    if (own == NO_SOURCE) {
        answer->is_unsure = true;
        return;
    }
    const struct source *sources = looking->program.sources;
    if (*source == NO_SOURCE || !strcmp(sources[*source].name, sources[own].name))
        return;
    uint32_t own_line = program_own_line(&looking->program, own, scope->low, address);
    if (own_line) {
        *source = own;
        *line = own_line;
    }
}

static void put_chain(struct answer *answer, const struct looking *looking, size_t which,
                      uint64_t address)
{
    size_t around[MOST_AROUND], source;
    int count = scopes_around(&looking->scopes, which, around, MOST_AROUND);
    uint32_t line;
    if (count < 0 || !program_place(&looking->program, address, &source, &line)) {
        answer->is_unsure = true;
        return;
    }
    const struct scope *scopes = looking->scopes.list;
    if (count == 1)
        find_own(answer, looking, scopes + around[0], address, &source, &line);
    for (int i = 0; i < count && !answer->is_unsure; i++) {
        const struct scope *scope = scopes + around[i];
        put(answer, i ? ",[" : "[");
        put_name(answer, looking, scope);
        put_place(answer, looking, source, line);
        if (i + 1 == count)
            break;
        const struct value *call = scope->entry.of + A_CALL_LINE;
        source = program_file(&looking->program, scope->entry.of + A_CALL_FILE);
        answer->is_unsure |= source == NO_SOURCE || call->kind != V_NUMBER ||
                             scope->entry.tag != TAG_INLINED || call->number > INT32_MAX;
        line = (uint32_t)call->number;
    }
}

/* C, and assembly. DWARF 5, 7.12. */
static bool is_read(const struct entry *unit)
{
    const struct value *language = unit->of + A_LANGUAGE, *producer = unit->of + A_PRODUCER;
    bool is_known = producer->kind == V_TEXT && (!strncmp(producer->text, "GNU ", 4) ||
                                                 strstr(producer->text, "clang") != NULL);
    if (!is_known || language->kind != V_NUMBER)
        return false;
    switch (language->number) {
    case 0x0001: /* C89 */
    case 0x0002: /* C */
    case 0x000c: /* C99 */
    case 0x001d: /* C11 */
    case 0x8001: /* Mips_Assembler */
        return true;
    default:
        return false;
    }
}

static bool look_at(struct looking *looking, const struct asked *asked, size_t count)
{
    struct entry entry;
    struct reading from;
    uint64_t next;
    bool has_code;
    if (!unit_read(&looking->unit, looking->sections, asked->unit, &next, &has_code) ||
        !unit_entry(&entry, &looking->unit, &from, looking->sections, &looking->abbrevs) ||
        !is_read(&entry))
        return false;
    static struct bounds bounds;
    bounds_of(&bounds, &entry, &looking->unit, looking->sections);
    if (!scopes_read(&looking->scopes, &from, asked, count, &bounds, &looking->spills,
                     &looking->unit, looking->sections, &looking->abbrevs))
        return false;
    if (program_read(&looking->program, &entry, looking->sections))
        return true;
    program_free(&looking->program);
    return false;
}

static void answer_unit(struct looking *looking, const struct asked *asked, size_t count,
                        struct answer *answers)
{
    if (!look_at(looking, asked, count)) {
        looking->is_partial = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (asked[i].is_unsure)
            continue;
        static char room[ROOM];
        struct answer answer = {room, 0, false};
        put(&answer, "[");
        put_chain(&answer, looking, i, asked[i].address);
        put(&answer, "]");
        if (!answer.is_unsure)
            answers[asked[i].place].text = strdup(room);
    }
    program_free(&looking->program);
}

static int by_unit(const void *a, const void *b)
{
    const struct asked *one = a, *other = b;
    if (one->unit != other->unit)
        return one->unit < other->unit ? -1 : 1;
    return (one->address > other->address) - (one->address < other->address);
}

static int by_address(const void *a, const void *b)
{
    const struct asked *one = a, *other = b;
    return (one->address > other->address) - (one->address < other->address);
}

static void answer_all(const struct sections *sections, struct asked *asked, size_t count,
                       struct answer *answers)
{
    struct looking looking = {.sections = sections, .abbrevs = {.offset = UINT64_MAX}};
    qsort(asked, count, sizeof *asked, by_address);
    bool is_sure = units_find(asked, count, sections, &looking.abbrevs);
    if (is_sure)
        qsort(asked, count, sizeof *asked, by_unit);
    for (size_t first = 0, last; is_sure && first < count; first = last) {
        for (last = first; last < count && asked[last].unit == asked[first].unit;)
            last++;
        if (asked[first].unit != NO_UNIT)
            answer_unit(&looking, asked + first, last - first, answers);
        else if (looking.is_partial) /* what is there gdb knows, perhaps of this code too */
            break;
        for (size_t i = first; i < last && asked[i].unit == NO_UNIT; i++) /* these come last */
            if (!asked[i].is_unsure)
                answers[asked[i].place].text = strdup("[]");
    }
    for (size_t i = 0; i < count && looking.spills; i++) {
        free(answers[i].text);
        answers[i].text = NULL;
    }
    scopes_free(&looking.scopes);
    free(looking.abbrevs.list);
}

void answers_print(const char *path, const uint64_t *addresses, size_t count)
{
    struct elf elf;
    struct sections sections;
    struct asked *asked = calloc(count + 1, sizeof *asked);
    struct answer *answers = calloc(count + 1, sizeof *answers);
    if (asked != NULL && answers != NULL && elf_open(&elf, path) == 0) {
        for (size_t i = 0; i < count; i++)
            asked[i] = (struct asked){.address = addresses[i], .place = i, .unit = NO_UNIT};
        if (sections_read(&sections, &elf))
            answer_all(&sections, asked, count, answers);
        sections_free(&sections);
        elf_close(&elf);
    }
    for (size_t i = 0; i < count; i++) {
        const char *said = answers ? answers[i].text : NULL;
        puts(said ? said : "null");
        if (answers)
            free(answers[i].text);
    }
    free(answers);
    free(asked);
}
