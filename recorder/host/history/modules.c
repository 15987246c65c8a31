/* history/modules.c - what was mapped as code, as far as it tells stacks apart. */
#include "inside.h"

/* A new one begins there: whether others did before. Those of them that are gone are forgotten, so
 * that a program that loads a library again and again costs no more each time. */
static int take_over(struct process *p, uint64_t start, uint64_t end)
{
    uint32_t kept = 0;
    int has_others = 0;
    for (uint32_t index = 0; index < p->module_count; index++) {
        struct module module = p->modules[index];
        int is_there = module.start < end && start < module.end;
        has_others |= is_there;
        if (!is_there || !module.gone)
            p->modules[kept++] = module;
    }
    p->module_count = kept;
    return has_others;
}

void history_module(struct history *h, uint32_t pid, uint64_t id, uint64_t start, uint64_t end)
{
    struct process *p = process_of(h, pid);
    if (!p)
        return;
    if (take_over(p, start, end)) {
        p->epoch++; /* the same addresses mean something else from now on */
        h->stamp++;
    }
    if (p->module_count >= MAX_LISTED) {
        h->unmatched[BEYOND_LIMIT]++;
        return;
    }
    if (grow(h, (void **)&p->modules, &p->module_room, p->module_count + 1, sizeof *p->modules))
        return;
    p->modules[p->module_count++] = (struct module){id, start, end, ++h->serial, 0};
}

void history_unmodule(struct history *h, uint32_t pid, uint64_t id)
{
    struct process *p = process_of(h, pid);
    for (unsigned index = p ? p->module_count : 0; index; index--)
        if (p->modules[index - 1].id == id) {
            p->modules[index - 1].gone = 1;
            p->unloads++;
            return;
        }
}

/* The serial number of the module that holds `pc`, the last one loaded; 0: none. */
uint32_t module_at(const struct process *p, uint64_t pc)
{
    for (unsigned index = p->module_count; index; index--) {
        const struct module *module = &p->modules[index - 1];
        if (module->start <= pc && pc < module->end)
            return module->serial;
    }
    return 0;
}
