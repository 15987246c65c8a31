/* watched.c - the list of names, as brkpoint hands it over (watched.h). */
#include "watched.h"
#include "shared.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT (1u << 20)

static bool read_places(struct watched *w, const char *text)
{
    for (w->count = 0; *text; text++) {
        if (*text == ',')
            continue;
        if (w->count == WATCHED_ARGUMENTS || *text < '0' || *text >= '0' + WATCHED_REGISTERS)
            return false;
        w->places[w->count++] = (uint8_t)(*text - '0');
    }
    return true;
}

static bool read_line(struct watched *w, char *line)
{
    char *words[6], *rest = NULL;
    for (int i = 0; i < 6; i++)
        if ((words[i] = strtok_r(i ? NULL : line, " ", &rest)) == NULL)
            return false;
    for (char *at = words[2]; *at; at++)
        *at = *at == ',' ? ' ' : *at;
    w->name = words[0];
    w->point = words[1];
    w->arguments = words[2];
    w->returns_size = *words[4] == '1';
    w->beside = *words[5] == '1';
    return read_places(w, words[3]);
}

static char *whole(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_size <= 0 || about.st_size > MAX_TEXT)
        return NULL;
    size_t size = (size_t)about.st_size;
    char *text = calloc(1, size + 1);
    if (text != NULL && pread(fd, text, size, 0) != (ssize_t)size) {
        free(text);
        return NULL;
    }
    return text;
}

bool watched_read(struct watched_list *watched, int fd)
{
    size_t lines = 1;
    char *rest = NULL;
    *watched = (struct watched_list){.text = whole(fd)};
    if (watched->text == NULL)
        return false;
    for (const char *at = watched->text; *at; at++)
        lines += *at == '\n';
    watched->list = calloc(lines, sizeof *watched->list);
    watched->names = calloc(lines, sizeof *watched->names);
    watched->found = calloc(lines, sizeof *watched->found);
    if (watched->list == NULL || watched->names == NULL || watched->found == NULL)
        return false;
    for (char *line = strtok_r(watched->text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        struct watched *w = &watched->list[watched->count];
        if (!read_line(w, line))
            return false;
        watched->names[watched->count++] = w->name;
    }
    return true;
}

uint64_t watched_kind(const struct watched *w)
{
    uint64_t kind = strncmp(w->arguments, "out", 3) == 0 ? HOOK_MEMPTR : HOOK_CALL3, picks = 0;
    if (w->count == 1 && w->places[0] == 0 && kind == HOOK_CALL3)
        return HOOK_CALL1 | (strcmp(w->point, "free") == 0 ? HOOK_FREES : 0);
    for (unsigned i = 0; i < w->count; i++) {
        kind |= (uint64_t)w->places[i] << HOOK_PICK_BIT(i);
        picks |= w->places[i] != i;
    }
    return picks ? kind | HOOK_PICKS : kind & 0xff;
}

bool watched_alike(const struct watched *a, const struct watched *b)
{
    return strcmp(a->arguments, b->arguments) == 0 && watched_kind(a) == watched_kind(b) &&
           a->returns_size == b->returns_size;
}
