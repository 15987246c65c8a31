#include "maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

static char *read_whole(const char *path)
{
    size_t room = 1 << 16, length = 0;
    char *text = malloc(room);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (text != NULL && fd >= 0) {
        ssize_t got = read(fd, text + length, room - length - 1);
        if (got <= 0)
            break;
        length += (size_t)got;
        if (room - length < 8192) {
            char *more = realloc(text, room *= 2);
            if (more == NULL)
                free(text);
            text = more;
        }
    }
    if (fd >= 0)
        close(fd);
    if (text != NULL)
        text[length] = 0;
    if (fd < 0 || length == 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* "\012" stands for the one byte that the kernel escapes, a newline: show_map_vma, fs/proc. */
static void unescape(char *path)
{
    for (char *at = path; (at = strstr(at, "\\012")) != NULL; at++) {
        *at = '\n';
        memmove(at + 1, at + 4, strlen(at + 4) + 1);
    }
}

/* "start-end perms offset device inode path" */
static bool parse_line(char *line, struct mapping *m)
{
    char *at;
    uint64_t start = strtoul(line, &at, 16), end = *at == '-' ? strtoul(at + 1, &at, 16) : 0;
    const char *perms = at + 1;
    if (*at != ' ' || strlen(perms) < 5 || perms[4] != ' ')
        return false;
    uint64_t offset = strtoul(perms + 5, &at, 16);
    at = *at == ' ' ? strchr(at + 1, ' ') : NULL; /* behind the device */
    if (at == NULL)
        return false;
    uint64_t inode = strtoul(at, &at, 10);
    at += strspn(at, " ");
    *m = (struct mapping){
        start, end, offset, perms[0] == 'r', perms[1] == 'w', perms[2] == 'x', perms[3] == 's',
        inode, 0,   at};
    unescape(at);
    return true;
}

/* What smaps says of a mapping, behind its line, begins with a capital. */
static void parse(struct maps *maps, char *line)
{
    struct mapping *last = maps->count ? &maps->list[maps->count - 1] : NULL;
    if (*line >= 'A' && *line <= 'Z') {
        if (last != NULL && strncmp(line, "Rss:", 4) == 0)
            last->resident = strtoul(line + 4, NULL, 10) * 1024;
    } else if (parse_line(line, &maps->list[maps->count])) {
        maps->count++;
    }
}

static bool read_as(struct maps *maps, pid_t pid, const char *name)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    *maps = (struct maps){NULL, 0, read_whole(path)};
    if (maps->text == NULL)
        return false;
    size_t lines = 0;
    for (const char *at = maps->text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    maps->list = calloc(lines + 1, sizeof *maps->list);
    if (maps->list == NULL)
        return false;
    for (char *line = maps->text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        parse(maps, line);
    }
    return true;
}

bool maps_read(struct maps *maps, pid_t pid)
{
    return read_as(maps, pid, "maps");
}

bool maps_read_resident(struct maps *maps, pid_t pid)
{
    return read_as(maps, pid, "smaps");
}

void maps_free(struct maps *maps)
{
    free(maps->list);
    free(maps->text);
    *maps = (struct maps){0};
}

const struct mapping *maps_at(const struct maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps->list[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < maps->count && maps->list[low].start <= address ? &maps->list[low] : NULL;
}

/* ---- one mapping: it takes the kernel the same time whatever else is mapped (Linux 6.11,
 * PROCMAP_QUERY) ---- */

/* linux/fs.h */
struct query {
    uint64_t size, flags, address;
    uint64_t start, end, vma_flags, page_size, offset, inode;
    uint32_t dev_major, dev_minor, name_size, build_id_size;
    uint64_t name, build_id;
};
#define QUERY _IOWR('f', 17, struct query)
enum { READABLE = 1, WRITABLE = 2, EXECUTABLE = 4, SHARED = 8 };

bool map_at(pid_t pid, uint64_t address, struct mapping *m)
{
    char path[32], name[16] = "";
    struct query q = {
        .size = sizeof q, .address = address, .name = (uint64_t)name, .name_size = sizeof name};
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && ioctl(fd, QUERY, &q) == 0;
    if (fd >= 0)
        close(fd);
    bool is_stack = strcmp(name, "[stack]") == 0;
    if (!known || (q.name_size > 1 && !is_stack))
        return false;
    *m = (struct mapping){.start = q.start,
                          .end = q.end,
                          .readable = (q.vma_flags & READABLE) != 0,
                          .writable = (q.vma_flags & WRITABLE) != 0,
                          .executable = (q.vma_flags & EXECUTABLE) != 0,
                          .shared = (q.vma_flags & SHARED) != 0,
                          .path = is_stack ? "[stack]" : ""};
    return true;
}
