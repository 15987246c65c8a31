#include "maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool parse_line(char *line, struct mapping *m)
{
    char perms[5];
    unsigned long start, end, offset;
    int used = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &start, &end, perms, &offset, &used) < 4)
        return false;
    *m = (struct mapping){
        start,           end,        offset, perms[0] == 'r', perms[1] == 'w', perms[2] == 'x',
        perms[3] == 's', line + used};
    unescape(line + used);
    return true;
}

bool maps_read(struct maps *maps, pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    *maps = (struct maps){NULL, 0, read_whole(path)};
    if (maps->text == NULL)
        return false;
    size_t lines = 0;
    for (const char *at = maps->text; *at; at++)
        lines += *at == '\n';
    maps->list = calloc(lines + 1, sizeof *maps->list);
    if (maps->list == NULL)
        return false;
    for (char *line = maps->text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        if (parse_line(line, &maps->list[maps->count]))
            maps->count++;
    }
    return true;
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
