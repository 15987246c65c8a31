/* tables.c - put unwind tables into the data area, where the agent reads them (unwind_format.h).
 *
 * Rows are written once a module. A list of modules is never changed once it is published: a new
 * one is written behind it.
 */
#include "host.h"

#include "unwind_format.h"
#include "area/areas.h"
#include "modules.h"
#include "tables.h"
#include "say.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t take(const struct process *p, uint64_t size)
{
    uint64_t at = (p->family->tables_used + 15) & ~UINT64_C(15);
    if (at + size > p->family->size->tables)
        return 0;
    p->family->tables_used = at + size;
    return AREA_TABLES_AT + at;
}

/* By a write: through the mapping the kernel would clear each page first. */
static bool put(struct host *h, const struct process *p, uint64_t at, const void *bytes,
                size_t size)
{
    uint64_t place = p->family->place + at;
    for (size_t done = 0; done < size;) {
        ssize_t wrote =
            pwrite(h->area_fd, (const char *)bytes + done, size - done, (off_t)(place + done));
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

void tables_add(struct host *h, const struct process *p, struct module *m)
{
    if (!m->has_elf)
        return;
    const struct unwind_rows *f = &m->found->unwind;
    uint64_t pcs = take(p, f->rows * sizeof *f->pcs), kind = take(p, f->rows * sizeof *f->kind);
    uint64_t what = take(p, f->kind_count * sizeof *f->kinds);
    if (pcs == 0 || kind == 0 || what == 0) {
        say_note(h, "no room for the unwind table of %s: stacks are cut there", m->path);
        return;
    }
    if (!put(h, p, pcs, f->pcs, f->rows * sizeof *f->pcs) ||
        !put(h, p, kind, f->kind, f->rows * sizeof *f->kind) ||
        !put(h, p, what, f->kinds, f->kind_count * sizeof *f->kinds))
        return;
    m->pcs = pcs;
    m->kind = kind;
    m->what = what;
    m->rows = (uint32_t)f->rows;
}

static size_t executable_parts(const struct maps *maps, struct unwind_module *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < maps->count && count < room; i++) {
        const struct mapping *map = &maps->list[i];
        if (map->executable && map->readable)
            out[count++] = (struct unwind_module){.start = map->start, .end = map->end};
    }
    return count;
}

static void fill(const struct process *p, struct unwind_module *part)
{
    const struct module *m = module_around(p, part->start);
    if (m == NULL || !m->has_elf)
        return;
    part->base = m->bias + m->found->unwind.base;
    part->pcs = m->pcs;
    part->kind = m->kind;
    part->what = m->what;
    part->rows = m->rows;
    part->module = m->id;
}

void tables_publish(struct process *p, const struct maps *maps)
{
    static struct unwind_module parts[MAX_MODULES * 2];
    size_t count = executable_parts(maps, parts, MAX_MODULES * 2), kept = 0;
    for (; kept < count; kept++)
        fill(p, &parts[kept]);
    uint64_t at = take(p, sizeof(struct unwind_tables) + kept * sizeof *parts);
    if (at == 0)
        return;
    struct unwind_tables *tables = host_at(p->family, at);
    tables->self = at;
    tables->version = ++p->family->tables_version;
    tables->count = (uint32_t)kept;
    memcpy(tables->modules, parts, kept * sizeof *parts);
    uint64_t place = area_identity(p) + offsetof(struct identity, tables);
    tracee_write(&p->tracee, place, &at, sizeof at);
    p->tables = at;
}
