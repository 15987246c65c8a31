/* follow.c - new files of code get their unwind tables, hooks and phases (follow.h). */
#include "follow.h"
#include "modules/modules.h"
#include "modules/tables.h"
#include "phases/phases.h"
#include "plant/hooks.h"

static void look_no_more(const struct module *m)
{
    if (m->has_elf)
        elf_rest(&m->elf);
}

static void plan(struct host *h, struct process *p, const struct maps *maps)
{
    modules_look(h, p, maps);
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        if (m->read)
            continue;
        m->read = true;
        tables_add(h, p, m);
        look_no_more(m);
    }
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        if (m->hooked)
            continue;
        m->hooked = true;
        hooks_plant(h, p, m);
        phases_watch(h, p, m);
        look_no_more(m);
    }
}

void modules_plan(struct host *h, struct process *p)
{
    struct maps maps;
    if (maps_read(&maps, p->tracee.pid))
        plan(h, p, &maps);
    maps_free(&maps);
}

void modules_update_by(struct host *h, struct process *p, const struct maps *maps)
{
    plan(h, p, maps);
    if (p->module_count > 0)
        tables_publish(p, maps);
}

void modules_update(struct host *h, struct process *p)
{
    struct maps maps;
    if (maps_read(&maps, p->tracee.pid))
        modules_update_by(h, p, &maps);
    maps_free(&maps);
}
