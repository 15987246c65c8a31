/* program.c - the line number program of a unit, as gdb makes its tables of it.
 *
 * DWARF 5, 6.2. What gdb keeps of the rows is its own: rows of one file stand together, a change of
 * file ends what the other one had at that address, and rows that only a discriminator tells apart
 * are one (gdb/dwarf2/read.c, lnp_state_machine; buildsym.c, record_line).
 */
#include "program.h"

#include <stdlib.h>

#include "header.h"
#include "host/base/grow.h"

static char *joined(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    char *made = malloc(length + strlen(name) + 2);
    if (made == NULL)
        return NULL;
    strcpy(made, folder);
    if (length && folder[length - 1] != '/')
        strcat(made, "/");
    return strcat(made, name);
}

/* The source of that name, made if it is new; both texts become its own. */
static size_t source_of(struct program *program, char *name, char *id)
{
    if (name != NULL && id != NULL)
        for (size_t i = 0; i < program->count; i++)
            if (!strcmp(program->sources[i].id, id)) {
                free(name);
                free(id);
                return i;
            }
    struct source *grown =
        with_room_for_one(program->sources, program->count, &program->room, 16, sizeof *grown);
    if (grown != NULL)
        program->sources = grown;
    if (grown == NULL || name == NULL || id == NULL) {
        free(name);
        free(id);
        return NO_SOURCE;
    }
    program->sources[program->count] = (struct source){name, id, NULL, 0, 0};
    return program->count++;
}

/* The name without a folder that is not told; the id with all that there are. */
static size_t start_file(struct program *program, const struct header *header,
                         const struct file *file)
{
    bool is_whole = file->name[0] == '/' || file->folder == NULL;
    char *name = is_whole ? strdup(file->name) : joined(file->folder, file->name);
    if (name == NULL)
        return NO_SOURCE;
    bool is_placed = name[0] == '/' || header->comp_dir == NULL;
    return source_of(program, name, is_placed ? strdup(name) : joined(header->comp_dir, name));
}

static bool start_unit(struct program *program, const struct entry *unit)
{
    const struct value *name = &unit->of[A_NAME], *folder = &unit->of[A_COMP_DIR];
    if (name->kind != V_TEXT || folder->kind != V_TEXT || !name->text[0])
        return false;
    bool is_whole = name->text[0] == '/';
    char *id = is_whole ? strdup(name->text) : joined(folder->text, name->text);
    return source_of(program, strdup(name->text), id) != NO_SOURCE;
}

/* gdb's lnp_state_machine. */
struct machine {
    struct program *program;
    const struct header *header;
    uint64_t address, last_address;
    uint32_t line, last_line;
    size_t current, last; /* sources */
    uint64_t discriminator;
    bool is_stmt, was_stmt, was_discriminated, is_removed, failed;
    bool is_nowhere; /* there is no file of the number that a sequence begins with */
};

static void record(struct machine *m, size_t number, uint32_t line)
{
    if (number == NO_SOURCE || m->is_removed)
        return;
    struct source *source = m->program->sources + number;
    if (!line) {
        uint32_t last = 0;
        while (source->count) {
            const struct row *row = source->rows + source->count - 1;
            last = row->line;
            if (row->pc != m->address)
                break;
            source->count--;
        }
        if (!last)
            return;
    }
    struct row *grown =
        with_room_for_one(source->rows, source->count, &source->room, 64, sizeof *grown);
    if (grown == NULL) {
        m->failed = true;
        return;
    }
    source->rows = grown;
    source->rows[source->count++] = (struct row){m->address, line, !line || m->is_stmt};
}

/* What a row makes of the tables. */
static void record_row(struct machine *m, bool is_end)
{
    bool changed = m->last != m->current;
    bool is_ignored =
        (changed && !is_end && m->last_address == m->address && !m->is_stmt && m->was_stmt) ||
        (!is_end && !m->line);
    if ((changed && !is_ignored) || is_end)
        record(m, m->last, 0);
    if (!is_end && !is_ignored) {
        if (changed || m->line != m->last_line || !m->was_discriminated)
            record(m, m->current, m->line);
        m->last = m->current;
        m->last_line = m->line;
    }
}

static void record_line(struct machine *m, bool is_end)
{
    if (!m->is_nowhere)
        record_row(m, is_end);
    if (m->last_address != m->address) {
        m->was_stmt = false;
        m->last_address = m->address;
    }
    m->was_stmt |= m->is_stmt;
}

static void advance_line(struct machine *m, int64_t lines)
{
    m->line += (uint32_t)lines;
    if (lines)
        m->was_discriminated = m->discriminator != 0;
}

static void set_file(struct machine *m, uint64_t file)
{
    uint64_t at = m->header->version >= 5 ? file : file - 1;
    if (at >= m->header->file_count) {
        m->failed = true;
        return;
    }
    m->is_nowhere = false;
    m->current = start_file(m->program, m->header, m->header->files + at);
    m->failed |= m->current == NO_SOURCE;
}

static void special(struct machine *m, unsigned opcode)
{
    unsigned adjusted = opcode - m->header->opcode_base;
    m->address += adjusted / m->header->line_range;
    advance_line(m, m->header->line_base + (int)(adjusted % m->header->line_range));
    record_line(m, false);
    m->discriminator = 0;
}

/* True where a sequence ends. */
static bool extended(struct machine *m, struct reading *from)
{
    uint64_t length = uleb(from);
    struct reading own = *from;
    skip(from, length);
    own.end = from->at;
    switch (number(&own, 1)) {
    case 1: /* end_sequence */
        m->is_removed = false;
        m->failed |= own.at != own.end;
        return true;
    case 2: /* set_address */
        m->address = number(&own, 8);
        m->is_removed |= !m->address || m->address == UINT64_MAX;
        break;
    case 4: /* set_discriminator */
        m->discriminator = uleb(&own);
        m->was_discriminated |= m->discriminator != 0;
        break;
    default:
        m->failed = true;
    }
    m->failed |= own.bad || from->bad || own.at != own.end;
    return false;
}

static void standard(struct machine *m, struct reading *from, unsigned opcode)
{
    switch (opcode) {
    case 1: /* copy */
        record_line(m, false);
        m->discriminator = 0;
        break;
    case 2: /* advance_pc */
        m->address += uleb(from);
        break;
    case 3: /* advance_line */
        advance_line(m, sleb(from));
        break;
    case 4: /* set_file */
        m->last = m->current;
        m->was_discriminated = m->discriminator != 0;
        set_file(m, uleb(from));
        break;
    case 5: /* set_column */
        uleb(from);
        break;
    case 6: /* negate_stmt */
        m->is_stmt = !m->is_stmt;
        break;
    case 8: /* const_add_pc */
        m->address += (255 - m->header->opcode_base) / m->header->line_range;
        break;
    case 9: /* fixed_advance_pc */
        m->address += number(from, 2);
        break;
    case 7:  /* set_basic_block */
    case 10: /* set_prologue_end */
    case 11: /* set_epilogue_begin */
        break;
    default:
        for (unsigned i = 0; i < m->header->lengths[opcode]; i++)
            uleb(from);
    }
}

static bool run(struct program *program, const struct header *header, struct reading from)
{
    size_t current = 0;
    while (from.at < from.end) {
        struct machine m = {.program = program, .header = header, .line = 1, .last = NO_SOURCE};
        m.is_stmt = header->is_stmt;
        m.current = current;
        m.is_nowhere = header->version >= 5 && header->file_count == 1;
        if (!m.is_nowhere)
            set_file(&m, 1);
        bool is_end = false;
        while (from.at < from.end && !is_end && !m.failed) {
            unsigned opcode = (unsigned)number(&from, 1);
            if (opcode >= header->opcode_base)
                special(&m, opcode);
            else if (opcode)
                standard(&m, &from, opcode);
            else
                is_end = extended(&m, &from);
        }
        if (!is_end || m.failed || from.bad)
            return false;
        current = m.current;
        record_line(&m, true);
        if (m.failed)
            return false;
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    if (one->pc != other->pc)
        return one->pc < other->pc ? -1 : 1;
    return (one->line != 0) - (other->line != 0);
}

/* A merge sort keeps the order of what is alike. */
static bool sort(struct source *source)
{
    bool is_sorted = true;
    for (size_t i = 1; i < source->count && is_sorted; i++)
        is_sorted = by_address(source->rows + i - 1, source->rows + i) <= 0;
    if (is_sorted)
        return true;
    size_t size = sizeof *source->rows, count = source->count;
    struct row *from = source->rows, *to = malloc(count * size), *made = to;
    if (to == NULL)
        return false;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t left = begin, right = middle;
            for (size_t i = begin; i < end; i++) {
                bool is_right =
                    left == middle || (right < end && by_address(from + right, from + left) < 0);
                to[i] = from[is_right ? right++ : left++];
            }
        }
        struct row *swapped = from;
        from = to;
        to = swapped;
    }
    if (from == made)
        memcpy(source->rows, made, count * size);
    free(made);
    return true;
}

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* The unit's own source, or the one that stands for it, if that is the only one of its name: gdb's
 * watch_main_source_file_lossage. */
static size_t find_main(const struct program *program)
{
    size_t found = 0, alike = 0;
    const struct source *sources = program->sources;
    for (size_t i = 0; i < program->file_count; i++)
        if (!program->files[i])
            return 0;
    for (size_t i = 1; i < program->count; i++)
        if (!strcmp(base_of(sources[i].name), base_of(sources[0].name))) {
            found = i;
            alike++;
        }
    return alike == 1 ? found : 0;
}

static bool make(struct program *program, struct header *header, const struct entry *unit,
                 const struct sections *sections)
{
    struct reading from = section_from(sections, LINE, unit->of[A_STMT_LIST].number);
    if (!start_unit(program, unit) || !header_read(header, &from, sections) ||
        !run(program, header, from))
        return false;
    program->first_file = header->version < 5;
    program->files = calloc(header->file_count + 1, sizeof *program->files);
    if (program->files == NULL)
        return false;
    for (size_t i = 0; i < header->file_count; i++) {
        program->files[i] = start_file(program, header, header->files + i);
        if (program->files[i] == NO_SOURCE)
            return false;
        program->file_count++;
    }
    program->main = find_main(program);
    for (size_t i = 0; i < program->count; i++)
        if (!sort(program->sources + i))
            return false;
    return true;
}

bool program_read(struct program *program, const struct entry *unit,
                  const struct sections *sections)
{
    struct header header = {.comp_dir = unit->of[A_COMP_DIR].text};
    memset(program, 0, sizeof *program);
    bool is_made = unit->of[A_STMT_LIST].kind == V_OFFSET && make(program, &header, unit, sections);
    header_free(&header);
    return is_made;
}

void program_free(struct program *program)
{
    for (size_t i = 0; i < program->count; i++) {
        free(program->sources[i].name);
        free(program->sources[i].id);
        free(program->sources[i].rows);
    }
    free(program->sources);
    free(program->files);
}

size_t program_file(const struct program *program, const struct value *index)
{
    uint64_t at = index->number - program->first_file;
    return index->kind == V_NUMBER && at < program->file_count ? program->files[at] : NO_SOURCE;
}

/* How many rows are not behind an address. */
static size_t upto(const struct source *source, uint64_t address)
{
    size_t first = 0, last = source->count;
    while (first < last) {
        size_t middle = (first + last) / 2;
        if (source->rows[middle].pc <= address)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

/* gdb/symtab.c, find_pc_sect_line. */
bool program_place(const struct program *program, uint64_t address, size_t *source, uint32_t *line)
{
    const struct row *best = NULL;
    bool is_sure = true;
    *source = NO_SOURCE;
    *line = 0;
    for (size_t i = 0; i < program->count; i++) {
        const struct row *rows = program->sources[i].rows;
        size_t behind = upto(program->sources + i, address);
        const struct row *last = behind ? rows + behind - 1 : NULL;
        if (last == NULL || !last->line || (best != NULL && last->pc < best->pc))
            continue;
        is_sure = best == NULL || last->pc > best->pc;
        best = last;
        while (!best->is_stmt && best > rows && best[-1].pc == best->pc && best[-1].line)
            best--;
        best = best->is_stmt ? best : last;
        *source = i;
        *line = best->line;
    }
    return is_sure;
}

uint32_t program_own_line(const struct program *program, size_t source, uint64_t start,
                          uint64_t address)
{
    const struct row *rows = program->sources[source].rows;
    uint32_t line = 0;
    uint64_t pc = 0;
    for (size_t at = upto(program->sources + source, address); at; at--) {
        const struct row *row = rows + at - 1;
        if (line && row->pc != pc)
            break;
        if (row->line > line) {
            line = row->line;
            pc = row->pc;
        }
    }
    return line && pc >= start ? line : 0;
}
