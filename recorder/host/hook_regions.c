/* hook_regions.c - regions of the program (region/): the functions where they begin and end. */
#include "hook_calls.h"

#define MOST_MARKS 16 /* of a file, that has one: alloctrace/elf_debug.py, MAX_REGION_MARKS */

/* To the agent they are calls with one argument, noted as they begin. */
static const struct watched marks[] = {
    [REGION_BEGIN] = {.name = "brkpoint_region_begin",
                      .point = "free",
                      .arguments = "ptr",
                      .count = 1},
    [REGION_END] = {.name = "brkpoint_region_end", .point = "free", .arguments = "ptr", .count = 1},
};

static void plan_mark(struct host *h, struct module *m, const struct text *text, uint64_t address,
                      enum region_mark mark, struct plans *plans)
{
    uint32_t number;
    struct function f;
    if (!function_at(m, text, address, 0, &f))
        return; /* in another part of the file, or in none */
    struct hook *hook = hook_new(h, &number);
    struct plan *plan = hook ? plans_add(plans) : NULL;
    if (plan == NULL)
        return;
    hook->kind = watched_kind(&marks[mark]) & 0xff;
    hook->address = address;
    hook->module = m->id;
    hook->region = mark;
    h->family->area->hook_kind[number] = watched_kind(&marks[mark]);
    plan->number = number;
    plan->what = marks[mark].name;
    plan_function(h, plan, &f, WRAP);
}

void plan_regions(struct host *h, struct module *m, const struct text *text, struct plans *plans)
{
    struct elf_region_marks found[MOST_MARKS];
    size_t count = elf_region_marks(&m->elf, found, MOST_MARKS);
    for (size_t i = 0; i < count; i++) {
        plan_mark(h, m, text, found[i].begin + m->bias, REGION_BEGIN, plans);
        plan_mark(h, m, text, found[i].end + m->bias, REGION_END, plans);
    }
}
