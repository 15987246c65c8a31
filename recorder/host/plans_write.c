/* plans_write.c - plans into the target: the stub first, the way into it last (plans.h). */
#include "plans.h"
#include "standing.h"

#include <stdlib.h>

static bool keep_moved(struct hook *hook, const struct moved *moved)
{
    hook->moved = malloc(sizeof *moved);
    if (hook->moved != NULL)
        *hook->moved = *moved;
    return hook->moved != NULL;
}

static bool write_way(struct host *h, const struct plan *plan, uint64_t stub)
{
    const struct tracee *t = &h->process->tracee;
    struct hook *hook = &h->family->hooks[plan->number];
    struct moved from = plan->moved;
    uint8_t jump[JUMP_BYTES];
    if (plan->hop)
        from.patch = plan->hop;
    if (!detour_jump(&from, stub, jump))
        return false;
    hook->patch = plan->moved.patch;
    hook->hop = plan->hop;
    hook->patch_length = plan->hop ? SHORT_JUMP_BYTES : JUMP_BYTES;
    if (!tracee_read(t, hook->patch, hook->original, hook->patch_length) ||
        !keep_moved(hook, &plan->moved) || !tracee_write(t, from.patch, jump, sizeof jump))
        return false;
    if (!plan->hop)
        return true;
    const uint8_t hop[SHORT_JUMP_BYTES] = {
        0xeb, (uint8_t)(plan->hop - plan->moved.patch - SHORT_JUMP_BYTES)};
    return tracee_write(t, hook->patch, hop, sizeof hop);
}

/* What the code in the stub stands for, for unwinders. What stands before the copy, if anything, is
 * the way to the first instruction. */
static struct stub_origin origin_of(const struct plan *plan, uint64_t stub)
{
    struct stub_origin origin = {.patch = plan->moved.patch};
    uint64_t copy = plan->moved.copy - stub;
    if (copy > 0)
        origin.count++;
    for (unsigned i = 0; i < plan->moved.count && origin.count < ORIGIN_STEPS; i++) {
        origin.to[origin.count] = (uint16_t)(copy + plan->moved.steps[i].to);
        origin.from[origin.count++] = plan->moved.steps[i].from;
    }
    return origin;
}

static bool steps_aside(struct host *h, const struct plan *plan)
{
    unsigned length = plan->hop ? SHORT_JUMP_BYTES : JUMP_BYTES;
    return h->standing == NULL ||
           standing_step_aside(h->standing, &h->process->tracee, &plan->moved, length);
}

enum refusal plan_write(struct host *h, const struct plan *plan)
{
    const struct tracee *t = &h->process->tracee;
    struct code_area *area = area_near(h, plan->moved.patch);
    if (area == NULL)
        return TOO_FAR;
    uint64_t stub = stub_address(area, plan->number);
    const struct stub_origin origin = origin_of(plan, stub);
    if (!tracee_write(t, stub, plan->head, plan->head_length) ||
        !tracee_write(t, plan->moved.copy, plan->moved.bytes, plan->moved.length) ||
        !tracee_write(t, stub + STUB_TAIL, plan->tail, plan->tail_length) ||
        !tracee_write(t, stub + STUB_ORIGIN, &origin, sizeof origin))
        return TOO_FAR;
    if (!steps_aside(h, plan))
        return IN_USE;
    return write_way(h, plan, stub) ? MOVED : TOO_FAR;
}

enum refusal plan_defer(struct host *h, const struct plan *plan)
{
    struct plan *later = plans_add(h->deferred);
    if (later == NULL)
        return TOO_LONG;
    *later = *plan;
    return MOVED;
}

/* The file may have been unloaded meanwhile. */
static bool is_loaded(struct host *h, const struct plan *plan)
{
    const struct module *m = module_around(h, plan->moved.patch);
    return m != NULL && m->id == h->family->hooks[plan->number].module;
}

/* Without a border or an unwinder events are seen all the same. */
static bool shows_events(const struct hook *hook)
{
    return hook->kind != HOOK_BORDER && hook->kind != HOOK_START && hook->kind != HOOK_FDE;
}

void plan_refused(struct host *h, const struct plan *plan, uint64_t vaddr, const char *path)
{
    const char *text = "%s at %#llx of %s is not seen: %s", *why = refusal_text(plan->refusal);
    h->refused++;
    if (shows_events(&h->family->hooks[plan->number]))
        say_unseen(h, "hook", text, plan->what, (unsigned long long)vaddr, path, why);
    else
        say_note(h, text, plan->what, (unsigned long long)vaddr, path, why);
}

void plans_write(struct host *h, struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        struct plan *plan = &plans->list[i];
        if (!is_loaded(h, plan) || (plan->refusal = plan_write(h, plan)) == MOVED)
            continue;
        const struct module *m = module_around(h, plan->moved.patch);
        plan_refused(h, plan, plan->moved.patch - m->bias, m->path);
    }
}
