/* history/names.c - entry points, names of events, and what else a syscall was given. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *arguments;
} entry_points[ENTRY_POINTS] = ENTRY_POINT_WORDS;

static const struct {
    const char *word;
    uint32_t what;
} words[] = {
    {"size", HAS_SIZE}, {"nmemb", HAS_NMEMB},  {"align", HAS_ALIGN},
    {"ptr", HAS_PTR},   {"out", ARGUMENT_OUT}, {"flags", ARGUMENT_FLAGS},
};

/* `text` as the inside of a JSON string; longer ones are cut off. */
static void escape(char *to, size_t room, const char *text)
{
    size_t used = 0;
    for (; *text && used + 7 < room; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\')
            to[used++] = (char)byte;
        else
            used += (size_t)sprintf(to + used, "\\u%04x", byte < 128 ? byte : 0xdc00u + byte);
    }
    to[used] = 0;
}

static void tell_name(struct history *h, uint32_t id, const struct name *name)
{
    char text[1024], impl[6 * sizeof name->impl + 8];
    escape(impl, sizeof impl, name->impl);
    int length =
        snprintf(text, sizeof text,
                 "{\"type\":\"name\",\"id\":%u,\"kind\":\"%s\",\"name\":\"%s\",\"impl\":", id,
                 name->is_syscall ? "syscall" : "call", name->name);
    length += snprintf(text + length, sizeof text - (size_t)length,
                       name->is_syscall ? "null}" : "\"%s\"}", impl);
    put_record(h, SPOOL_JSON, text, (size_t)length);
}

/* The number of a name, from 1; told to readers when it is new. 0: no memory. */
uint32_t name_id(struct history *h, int is_syscall, const char *name, const char *impl)
{
    struct name wanted = {.is_syscall = is_syscall};
    snprintf(wanted.name, sizeof wanted.name, "%s", name);
    snprintf(wanted.impl, sizeof wanted.impl, "%s", impl);
    for (uint32_t index = 0; index < h->name_count; index++)
        if (!memcmp(&h->names[index], &wanted, sizeof wanted))
            return index + 1;
    if (grow(h, (void **)&h->names, &h->name_room, h->name_count + 1, sizeof wanted))
        return 0;
    h->names[h->name_count++] = wanted;
    tell_name(h, h->name_count, &wanted);
    return h->name_count;
}

static int entry_point(const char *name)
{
    for (int point = 0; point < ENTRY_POINTS; point++)
        if (!strcmp(name, entry_points[point].name))
            return point;
    return -1;
}

static uint32_t argument_called(const char *text, size_t length)
{
    for (size_t at = 0; at < sizeof words / sizeof *words; at++)
        if (strlen(words[at].word) == length && !memcmp(text, words[at].word, length))
            return words[at].what;
    return ARGUMENT_NONE;
}

/* 0, or -1 where one is unknown or there are too many. */
static int read_arguments(const char *text, uint32_t arguments[ARGUMENTS])
{
    for (unsigned at = 0; *text; at++) {
        size_t length = strcspn(text, " ");
        if (at == ARGUMENTS || !(arguments[at] = argument_called(text, length)))
            return -1;
        text += length + (text[length] == ' ');
    }
    return 0;
}

void history_hook_named(struct history *h, uint32_t id, const char *name, const char *impl,
                        const char *arguments, int returns_size)
{
    int point = entry_point(name);
    struct hook hook = {.id = id, .point = (uint8_t)point, .returns_size = returns_size != 0};
    uint32_t number = table_get(&h->hook_of, id);
    if (point < 0 ||
        read_arguments(arguments ? arguments : entry_points[point].arguments, hook.arguments))
        return;
    hook.name = name_id(h, 0, name, impl);
    if (!hook.name || (!number && h->hook_count >= MAX_LISTED))
        return;
    if (!number) {
        if (grow(h, (void **)&h->hooks, &h->hook_room, h->hook_count + 1, sizeof *h->hooks))
            return;
        number = ++h->hook_count;
        h->failed |= table_put(&h->hook_of, id, number) != 0;
        if (id < NEAR)
            h->hook_near[id] = (uint16_t)number;
    }
    h->hooks[number - 1] = hook;
}

void history_hook(struct history *h, uint32_t id, const char *name, const char *impl)
{
    history_hook_named(h, id, name, impl, NULL, 0);
}

const struct hook *find_hook(struct history *h, uint32_t id)
{
    uint32_t number = table_get(&h->hook_of, id);
    return number ? &h->hooks[number - 1] : NULL;
}

/* ---- arguments: known by their bytes, a reader gives them names ---- */

struct arguments {
    struct argument {
        uint64_t hash;
        uint32_t offset, length; /* in `bytes` */
    } * rows;
    uint32_t count, room;
    uint8_t *bytes;
    uint32_t used, bytes_room;
    struct index index;
};

enum { ARGUMENTS_BYTES = 1 << 26, MAX_PATH_BYTES = 4096 }; /* beyond, they are not kept */

struct argument_key {
    const struct arguments *all;
    const uint8_t *bytes;
    uint32_t length;
};

static int is_same_argument(const void *rows, uint32_t number, const void *wanted)
{
    const struct argument *row = (const struct argument *)rows + number - 1;
    const struct argument_key *key = wanted;
    return row->length == key->length &&
           !memcmp(key->all->bytes + row->offset, key->bytes, key->length);
}

static uint64_t bytes_hash(const uint8_t *bytes, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    while (length--)
        hash = (hash ^ *bytes++) * 1099511628211u;
    return mixed(hash);
}

static uint32_t add_argument(struct history *h, const struct argument_key *key, uint64_t hash)
{
    struct arguments *all = h->arguments;
    uint32_t offset = all->used;
    if (offset + key->length > ARGUMENTS_BYTES ||
        grow(h, (void **)&all->rows, &all->room, all->count + 1, sizeof *all->rows) ||
        grow(h, (void **)&all->bytes, &all->bytes_room, offset + key->length, 1))
        return 0;
    memcpy(all->bytes + offset, key->bytes, key->length);
    all->used += key->length;
    all->rows[all->count++] = (struct argument){hash, offset, key->length};
    h->failed |= index_add(&all->index, hash, all->count) != 0;
    return all->count;
}

/* The number of what a syscall was given besides size and address; `number` UINT32_MAX: the code
 * that posix_memalign returned, in args[0]. */
uint64_t argument_id(struct history *h, uint32_t number, const uint64_t args[6], const void *path,
                     size_t length)
{
    struct {
        struct spool_arguments row;
        uint8_t path[MAX_PATH_BYTES];
    } record = {.row.number = number};
    if (!h->arguments && !(h->arguments = calloc(1, sizeof *h->arguments))) {
        h->failed = 1;
        return 0;
    }
    length = length < MAX_PATH_BYTES ? length : MAX_PATH_BYTES;
    memcpy(record.row.args, args, sizeof record.row.args);
    if (length)
        memcpy(record.path, path, length);
    size_t known = offsetof(struct spool_arguments, number), whole = sizeof record.row + length;
    struct argument_key key = {h->arguments, (uint8_t *)&record + known, (uint32_t)(whole - known)};
    uint64_t hash = bytes_hash(key.bytes, key.length);
    uint32_t id =
        index_find(&h->arguments->index, h->arguments->rows, hash, is_same_argument, &key);
    if (!id && (id = add_argument(h, &key, hash))) {
        record.row.id = id;
        put_record(h, SPOOL_ARGUMENTS, &record, whole);
    }
    return id;
}

void free_arguments(struct arguments *all)
{
    if (!all)
        return;
    free(all->rows);
    free(all->bytes);
    index_clear(&all->index);
    free(all);
}
