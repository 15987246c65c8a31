#include "code_files.h"

#include <string.h>

#define PAGE (~UINT64_C(0xfff))
#define MAX_HEADERS 128 /* the kernel runs no program with more than 73, one page of them */
#define USUAL_HEADERS 16
#define MAX_STEPS 64 /* mappings that are looked at before and behind one, for what belongs to it */

struct seen {
    const struct maps *maps;
    code_files_read *read;
    const void *context;
};

/* The loaded segments of a file. */
struct loads {
    Elf64_Phdr list[MAX_HEADERS];
    size_t count;
};

static bool is_named(const struct mapping *m)
{
    return m->path[0] == '/' || strcmp(m->path, "[vdso]") == 0;
}

static bool is_same_file(const struct mapping *a, const struct mapping *b)
{
    return strcmp(a->path, b->path) == 0;
}

static bool may_hold(const Elf64_Phdr *load, const struct mapping *m)
{
    return (load->p_offset & PAGE) <= m->offset && m->offset < load->p_offset + load->p_filesz;
}

static uint64_t bias_by(const Elf64_Phdr *load, const struct mapping *m)
{
    return m->start - m->offset + load->p_offset - load->p_vaddr;
}

/* Whether this is a segment of code, and `code` lies where it belongs. */
static bool covers(const Elf64_Phdr *load, uint64_t bias, const struct mapping *code)
{
    uint64_t low = (load->p_vaddr + bias) & PAGE, high = load->p_vaddr + load->p_memsz + bias;
    return load->p_flags & PF_X && low < code->end && code->start < high;
}

/* Whether an executable mapping is a further one of `file`. */
static bool holds(const struct code_file *file, const struct mapping *m)
{
    if (m->start < file->start || m->start >= file->end)
        return false;
    return is_named(m) ? is_same_file(m, file->first) : m->path[0] == 0;
}

/* The file's mapping: this one, or the one that anonymous memory follows. */
static const struct mapping *piece_of(const struct maps *maps, const struct mapping *m)
{
    if (is_named(m))
        return m;
    bool follows = m > maps->list && m[-1].end == m->start && is_named(&m[-1]);
    return m->path[0] == 0 && follows ? m - 1 : NULL;
}

static bool has_bytes(const struct mapping *m, const struct mapping *of, uint64_t offset,
                      uint64_t size)
{
    uint64_t room = m->end - m->start;
    return is_same_file(m, of) && offset >= m->offset && offset - m->offset <= room &&
           size <= room - (offset - m->offset);
}

/* Bytes of the file at `offset`, from the nearest mapping of it that has them. */
static bool file_bytes(const struct seen *seen, const struct mapping *piece, uint64_t offset,
                       void *bytes, size_t size)
{
    const struct mapping *list = seen->maps->list, *end = list + seen->maps->count, *found = NULL;
    for (const struct mapping *m = piece; !found && m >= list && piece - m < MAX_STEPS; m--)
        found = has_bytes(m, piece, offset, size) ? m : NULL;
    for (const struct mapping *m = piece + 1; !found && m < end && m - piece < MAX_STEPS; m++)
        found = has_bytes(m, piece, offset, size) ? m : NULL;
    return found && seen->read(seen->context, found->start + offset - found->offset, bytes, size);
}

static void keep_loaded(struct loads *loads, size_t count)
{
    loads->count = 0;
    for (size_t i = 0; i < count; i++)
        if (loads->list[i].p_type == PT_LOAD && loads->list[i].p_filesz > 0)
            loads->list[loads->count++] = loads->list[i];
}

/* None where memory does not show them. */
static void read_loads(const struct seen *seen, const struct mapping *piece, struct loads *loads)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[USUAL_HEADERS]; /* behind it, as linkers lay a file out */
    } begin;
    const Elf64_Ehdr *header = &begin.header;
    loads->count = 0;
    bool has_both = file_bytes(seen, piece, 0, &begin, sizeof begin);
    if ((!has_both && !file_bytes(seen, piece, 0, &begin.header, sizeof begin.header)) ||
        memcmp(header->e_ident, ELFMAG "\2\1", SELFMAG + 2) != 0 ||
        header->e_phentsize != sizeof *loads->list || header->e_phnum > MAX_HEADERS)
        return;
    size_t size = header->e_phnum * sizeof *loads->list;
    if (has_both && header->e_phoff == sizeof *header && header->e_phnum <= USUAL_HEADERS)
        memcpy(loads->list, begin.segments, size);
    else if (!file_bytes(seen, piece, header->e_phoff, loads->list, size))
        return;
    keep_loaded(loads, header->e_phnum);
}

/* The mapping that holds the begin of a segment, where it is the file's own. */
static const struct mapping *part_of(const struct seen *seen, const Elf64_Phdr *load, uint64_t bias,
                                     const struct mapping *piece)
{
    const struct mapping *part = maps_at(seen->maps, (load->p_vaddr + bias) & PAGE);
    bool same = part != NULL && is_same_file(part, piece);
    return same && bias_by(load, part) == bias ? part : NULL;
}

static unsigned score(const struct seen *seen, const struct loads *loads, uint64_t bias,
                      const struct mapping *piece)
{
    unsigned sum = 0;
    for (size_t i = 0; i < loads->count; i++) {
        const struct mapping *part = part_of(seen, &loads->list[i], bias, piece);
        if (part != NULL)
            sum += 2 + (part->executable == ((loads->list[i].p_flags & PF_X) != 0));
    }
    return sum;
}

static bool best_bias(const struct seen *seen, const struct loads *loads,
                      const struct mapping *piece, uint64_t *bias)
{
    unsigned best = 0;
    for (size_t i = 0; i < loads->count; i++) {
        uint64_t here = bias_by(&loads->list[i], piece);
        unsigned sum = may_hold(&loads->list[i], piece) ? score(seen, loads, here, piece) : 0;
        if (sum > best) {
            best = sum;
            *bias = here;
        }
    }
    return best > 0;
}

/* By the program headers: the bias with which most segments are mapped where they belong. */
static bool placed(const struct seen *seen, const struct mapping *piece, const struct mapping *code,
                   struct code_file *file)
{
    struct loads loads;
    bool is_code = false;
    *file = (struct code_file){.code = code, .has_bias = true};
    read_loads(seen, piece, &loads);
    if (!best_bias(seen, &loads, piece, &file->bias))
        return false;
    for (size_t i = 0; i < loads.count; i++) {
        const struct mapping *part = part_of(seen, &loads.list[i], file->bias, piece);
        is_code |= covers(&loads.list[i], file->bias, code);
        if (part == NULL)
            continue;
        file->first = file->first == NULL || part < file->first ? part : file->first;
        file->end = part->end > file->end ? part->end : file->end;
    }
    file->start = file->first->start;
    return is_code;
}

static bool continues(const struct maps *maps, const struct mapping *m, const struct mapping *piece)
{
    bool inside = m >= maps->list && m < maps->list + maps->count;
    return inside && m - piece < MAX_STEPS && piece - m < MAX_STEPS && is_same_file(m, piece);
}

/* Without headers: from the file's begin up to where it begins again, or another file. */
static void side_by_side(const struct maps *maps, const struct mapping *piece,
                         struct code_file *file)
{
    const struct mapping *first = piece, *last = piece;
    while (first->offset != 0 && continues(maps, first - 1, piece))
        first--;
    while (continues(maps, last + 1, piece) && last[1].offset != 0)
        last++;
    *file =
        (struct code_file){.first = first, .code = piece, .start = first->start, .end = last->end};
}

size_t code_files(const struct maps *maps, code_files_read *read, const void *context,
                  struct code_file *files, size_t room)
{
    struct seen seen = {maps, read, context};
    size_t count = 0;
    for (size_t i = 0; i < maps->count && count < room; i++) {
        const struct mapping *m = &maps->list[i], *piece = piece_of(maps, m);
        if (!m->executable || piece == NULL || (count > 0 && holds(&files[count - 1], m)))
            continue;
        if (placed(&seen, piece, m, &files[count])) {
            count++;
        } else if (is_named(m)) {
            side_by_side(maps, piece, &files[count]);
            count++;
        }
    }
    return count;
}

bool code_file_bias(const struct code_file *file, const struct elf *elf, uint64_t *bias)
{
    Elf64_Phdr segment;
    unsigned fitting = 0;
    *bias = file->bias;
    for (unsigned i = 0; !file->has_bias && elf_segment(elf, i, &segment); i++) {
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) ||
            !may_hold(&segment, file->code))
            continue;
        fitting++;
        *bias = bias_by(&segment, file->code);
    }
    return file->has_bias || fitting == 1;
}
