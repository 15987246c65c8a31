/* header.c - the header of a line number program. DWARF 5, 6.2.4. */
#include "header.h"

#include "host/base/grow.h"

#define MOST_FILES 65536u

static bool add_folder(struct header *header, const char *folder)
{
    if (header->folder_count >= MOST_FILES)
        return false;
    const char **grown = with_room_for_one(header->folders, header->folder_count,
                                           &header->folder_room, 16, sizeof *grown);
    if (grown == NULL)
        return false;
    header->folders = grown;
    header->folders[header->folder_count++] = folder;
    return true;
}

static bool add_file(struct header *header, const char *name, uint64_t folder)
{
    if (header->file_count >= MOST_FILES)
        return false;
    struct file *grown =
        with_room_for_one(header->files, header->file_count, &header->file_room, 16, sizeof *grown);
    if (grown == NULL)
        return false;
    header->files = grown;
    uint64_t at = header->version >= 5 ? folder : folder - 1;
    header->files[header->file_count++] =
        (struct file){name, at < header->folder_count ? header->folders[at] : NULL};
    return true;
}

static bool read_old_tables(struct header *header, struct reading *from)
{
    const char *name;
    while ((name = text(from)) != NULL && name[0])
        if (!add_folder(header, name))
            return false;
    while ((name = text(from)) != NULL && name[0]) {
        uint64_t folder = uleb(from);
        uleb(from);
        uleb(from);
        if (from->bad || !add_file(header, name, folder))
            return false;
    }
    return !from->bad;
}

static const char *read_text(struct reading *from, uint64_t form, const struct sections *sections)
{
    if (form == 0x08)
        return text(from);
    if (form != 0x1f && form != 0x0e)
        return NULL;
    struct reading other = section_from(sections, form == 0x1f ? LINE_STR : STR, number(from, 4));
    return other.bad ? NULL : text(&other);
}

/* A number of an entry in a table of folders or files; what is no number is skipped. */
static bool read_number(struct reading *from, uint64_t form, uint64_t *value)
{
    static const uint8_t sizes[] = {[0x05] = 2, [0x06] = 4, [0x07] = 8, [0x0b] = 1, [0x1e] = 16};
    if (form == 0x0f)
        *value = uleb(from);
    else if (form == 0x1e)
        skip(from, 16);
    else if (form < sizeof sizes && sizes[form])
        *value = number(from, sizes[form]);
    else
        return false;
    return !from->bad;
}

/* One of the two tables of DWARF 5, 6.2.4.1. */
static bool read_table(struct header *header, struct reading *from, bool is_files,
                       const struct sections *sections)
{
    struct {
        uint64_t content, form;
    } formats[8];
    unsigned formats_count = (unsigned)number(from, 1);
    if (formats_count > 8)
        return false;
    for (unsigned i = 0; i < formats_count; i++) {
        formats[i].content = uleb(from);
        formats[i].form = uleb(from);
    }
    for (uint64_t left = uleb(from); left && !from->bad; left--) {
        const char *name = NULL;
        uint64_t folder = 0, other;
        for (unsigned i = 0; i < formats_count; i++) {
            bool is_name = formats[i].content == 1;
            if (is_name && (name = read_text(from, formats[i].form, sections)) == NULL)
                return false;
            uint64_t *value = formats[i].content == 2 ? &folder : &other;
            if (!is_name && !read_number(from, formats[i].form, value))
                return false;
        }
        if (name == NULL || !(is_files ? add_file(header, name, folder) : add_folder(header, name)))
            return false;
    }
    return !from->bad;
}

bool header_read(struct header *header, struct reading *from, const struct sections *sections)
{
    uint64_t length = number(from, 4);
    if (from->bad || length >= 0xfffffff0u || length > (uint64_t)(from->end - from->at))
        return false;
    from->end = from->at + length;
    header->version = (unsigned)number(from, 2);
    if (header->version < 2 || header->version > 5)
        return false;
    if (header->version >= 5 && (number(from, 1) != 8 || number(from, 1) != 0))
        return false;
    length = number(from, 4);
    struct reading rest = *from;
    skip(&rest, length);
    const uint8_t *start = rest.at;
    bool is_fit = number(from, 1) == 1; /* bytes of the least instruction */
    is_fit &= header->version < 4 || number(from, 1) == 1;
    header->is_stmt = number(from, 1);
    header->line_base = (int8_t)number(from, 1);
    header->line_range = (unsigned)number(from, 1);
    header->opcode_base = (unsigned)number(from, 1);
    for (unsigned i = 1; i < header->opcode_base; i++)
        header->lengths[i] = (uint8_t)number(from, 1);
    if (!is_fit || rest.bad || from->bad || !header->line_range || header->opcode_base < 10)
        return false;
    bool is_read = header->version >= 5 ? read_table(header, from, false, sections) &&
                                              read_table(header, from, true, sections)
                                        : read_old_tables(header, from);
    if (!is_read || from->at > start)
        return false;
    from->at = start;
    return true;
}

void header_free(struct header *header)
{
    free(header->folders);
    free(header->files);
}
