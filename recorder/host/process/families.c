/* families.c - slices of the memory file: one for a program and the children that it forks. */
#define _GNU_SOURCE
#include "families.h"
#include "reader.h"
#include "area/size.h"
#include "stopped/saved.h"
#include "area/memory_file.h"
#include "area/last_word.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLES_KEPT (UINT64_C(2) << 20)

static bool open_family(struct host *h, struct family *f, unsigned number)
{
    f->place = number * FAMILY_SIZE;
    if (f->readers == NULL)
        f->readers = calloc(AREA_THREADS, sizeof *f->readers);
    if (f->readers == NULL || (f->area == NULL && !area_size_map(f, h->area_fd, number)))
        return false;
    f->used = true;
    f->area->magic = AREA_MAGIC;
    f->area->clock = h->clock_every;
    return true;
}

struct family *family_new(struct host *h)
{
    for (unsigned i = 0; i < MAX_FAMILIES; i++) {
        struct family *f = &h->families[i];
        if (f->used)
            continue;
        if (!open_family(h, f, i))
            return NULL;
        must(f->processes == 0 && f->hook_count == 0 && f->met == 0 && f->before == NULL,
             "a slice that is used again has nothing of its last family");
        if (i >= h->family_top)
            h->family_top = i + 1;
        last_word_prepare(h);
        return f;
    }
    return NULL;
}

static void punch(struct host *h, const struct family *f, uint64_t from, uint64_t to)
{
    fallocate(h->area_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(f->place + from),
              (off_t)(to - from));
}

/* All zeros again. Of the unwind tables, which are always written before they are told of, a part
 * stays for the next program to be written over: that is cheaper. */
static void clear(struct host *h, const struct family *f)
{
    punch(h, f, 0, AREA_TABLES_AT);
    if (f->tables_used > TABLES_KEPT)
        punch(h, f, AREA_TABLES_AT + TABLES_KEPT, AREA_THREADS_AT);
    punch(h, f, AREA_THREADS_AT, AREA_SIZE);
}

void family_leave(struct host *h, struct family *f)
{
    if (f == NULL)
        return;
    must(f->used && f->processes > 0, "only who is in a family leaves it");
    if (--f->processes > 0)
        return;
    h->waits += f->area->waits;
    for (int i = 0; i < 2; i++)
        h->checked[i] += f->area->checked[i];
    for (int i = 0; i < TROUBLES; i++)
        h->trouble[i] += f->area->trouble[i];
    f->used = false;
    last_word_prepare(h);
    if (!h->leaving) /* else whoever still has it mapped must read there that we are gone */
        clear(h, f);
    for (uint32_t i = 0; i < f->met; i++) {
        free(f->readers[i].nodes);
        free(f->readers[i].path);
        f->readers[i] = (struct reader){0};
    }
    for (uint32_t i = 0; i < f->hook_count; i++)
        free(f->hooks[i].moved);
    if (f->before != NULL)
        saved_free(f->before);
    free(f->before);
    if (f->size != area_size_largest()) { /* the next one has more */
        munmap(f->area, AREA_SIZE);
        f->area = NULL;
    }
    memset(f, 0, offsetof(struct family, area));
    f->size = area_size_largest();
}
