/* plant/regions.c - regions of the program (region/): the functions where they begin and end. */
#include "contract.h"
#include "calls.h"

/* To the agent they are calls with one argument, noted as they begin. */
static const struct watched marks[] = {
    [REGION_BEGIN] = {.name = "brkpoint_region_begin",
                      .point = "free",
                      .arguments = "ptr",
                      .count = 1},
    [REGION_END] = {.name = "brkpoint_region_end", .point = "free", .arguments = "ptr", .count = 1},
};

static void plan_mark(struct host *h, struct process *p, struct module *m, const struct text *text,
                      uint64_t address, enum region_mark mark, struct plans *plans)
{
    const struct plan *plan = plan_wrapper(h, p, m, text, address, 0, &marks[mark], plans);
    if (plan == NULL)
        return;
    p->family->hooks[plan->number].region = mark;
    p->family->area->hook_kind[plan->number] |= HOOK_MARKS;
}

void plan_regions(struct host *h, struct process *p, struct module *m, const struct text *text,
                  struct plans *plans)
{
    struct elf_region_marks found[MAX_REGION_MARKS];
    size_t count = elf_region_marks(&m->elf, found, MAX_REGION_MARKS);
    for (size_t i = 0; i < count; i++) {
        plan_mark(h, p, m, text, found[i].begin + m->bias, REGION_BEGIN, plans);
        plan_mark(h, p, m, text, found[i].end + m->bias, REGION_END, plans);
    }
}
