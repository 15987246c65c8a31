/* plant/write.c - write plans into the target: the stubs first, the jumps to them last (plans.h). */
#define _GNU_SOURCE /* process_vm_readv */
#include "plans.h"
#include "ptrace/patches.h"
#include "stopped/standing.h"
#include "area/areas.h"
#include "modules/modules.h"
#include "hooks.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static bool keep_moved(struct hook *hook, const struct moved *moved)
{
    hook->moved = malloc(sizeof *moved);
    if (hook->moved != NULL)
        *hook->moved = *moved;
    return hook->moved != NULL;
}

/* The ways of one file, which are written together. */
struct ways {
    struct patch *list;
    size_t count;
};

/* What leads from `patch` into the stub: a jump there, or a short one to padding (`hop`) that holds it. */
struct way_in {
    uint8_t jump[JUMP_BYTES], hop[SHORT_JUMP_BYTES];
};

static bool way_in(uint64_t patch, uint64_t hop, uint64_t stub, struct way_in *way)
{
    const struct moved from = {.patch = hop ? hop : patch};
    way->hop[0] = 0xeb;
    way->hop[1] = (uint8_t)(hop - patch - SHORT_JUMP_BYTES);
    return detour_jump(&from, stub, way->jump);
}

/* The padding that a short jump leads to is written at once: that jump comes after it. */
static bool plan_way(const struct process *p, const struct plan *plan, size_t index, uint64_t stub,
                     struct ways *ways)
{
    struct hook *hook = &p->family->hooks[plan->number];
    struct patch patch = {.at = plan->moved.patch, .length = JUMP_BYTES, .owner = index};
    struct way_in way;
    if (!way_in(plan->moved.patch, plan->hop, stub, &way))
        return false;
    hook->patch = plan->moved.patch;
    hook->hop = plan->hop;
    memcpy(hook->original, plan->seen, sizeof hook->original);
    if (!keep_moved(hook, &plan->moved))
        return false;
    if (plan->hop) {
        if (!tracee_write(&p->tracee, plan->hop, way.jump, JUMP_BYTES))
            return false;
        patch.length = SHORT_JUMP_BYTES;
    }
    memcpy(patch.bytes, plan->hop ? way.hop : way.jump, patch.length);
    ways->list[ways->count++] = patch;
    return true;
}

/* ---- and out of them ---- */

/* The bytes at `at` are put back if they are what we wrote: a library may be gone by now, the program
 * may have written its own. */
static void put_back(const struct tracee *t, uint64_t at, const uint8_t *ours,
                     const uint8_t *original, size_t length)
{
    uint8_t there[JUMP_BYTES];
    if (tracee_read(t, at, there, length) && memcmp(there, ours, length) == 0)
        tracee_write(t, at, original, length);
}

static bool way_of(struct process *p, uint32_t number, const struct hook *hook, struct way_in *way)
{
    struct code_area *area = hook->moved ? area_near(p, hook->patch) : NULL;
    return area != NULL && way_in(hook->patch, hook->hop, stub_address(area, number), way);
}

void hook_undo(struct process *p, uint32_t number)
{
    struct way_in way;
    if (number >= p->family->hook_count)
        return;
    const struct hook *hook = &p->family->hooks[number];
    if (way_of(p, number, hook, &way))
        put_back(&p->tracee, hook->patch, hook->hop ? way.hop : way.jump, hook->original,
                 hook->hop ? SHORT_JUMP_BYTES : JUMP_BYTES);
}

void hook_undo_padding(struct process *p, uint32_t number)
{
    static const uint8_t padding[JUMP_BYTES] = {0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
    const struct hook *hook = &p->family->hooks[number];
    struct way_in way;
    if (hook->hop && way_of(p, number, hook, &way))
        put_back(&p->tracee, hook->hop, way.jump, padding, sizeof padding);
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

static bool steps_aside(const struct process *p, const struct plan *plan)
{
    unsigned length = plan->hop ? SHORT_JUMP_BYTES : JUMP_BYTES;
    return p->standing == NULL || standing_step_aside(p->standing, &plan->moved, length);
}

/* ---- stubs: all that stand side by side are written at once ---- */

static void fill_stub(const struct plan *plan, uint64_t stub, uint8_t bytes[STUB_SIZE])
{
    const struct stub_origin origin = origin_of(plan, stub);
    memset(bytes, 0, STUB_SIZE);
    memcpy(bytes, plan->head, plan->head_length);
    memcpy(bytes + (plan->moved.copy - stub), plan->moved.bytes, plan->moved.length);
    memcpy(bytes + STUB_TAIL, plan->tail, plan->tail_length);
    memcpy(bytes + STUB_ORIGIN, &origin, sizeof origin);
}

/* Writes the stubs of the first plans in the list, and tells of how many. */
static size_t write_stubs(struct process *p, struct plan *list, size_t count)
{
    static uint8_t bytes[64 * STUB_SIZE];
    struct code_area *area = area_near(p, list->moved.patch);
    size_t n = 0;
    do {
        fill_stub(&list[n], stub_address(area, list[n].number), bytes + n * STUB_SIZE);
        n++;
    } while (n < count && n < 64 && list[n].refusal == MOVED &&
             list[n].number == list[0].number + n && area_near(p, list[n].moved.patch) == area);
    bool done = tracee_write(&p->tracee, stub_address(area, list->number), bytes, n * STUB_SIZE);
    for (size_t i = 0; i < n && !done; i++)
        list[i].refusal = TOO_FAR;
    return n;
}

static void write_all_stubs(struct process *p, struct plan *list, size_t count)
{
    for (size_t i = 0; i < count;) {
        if (list[i].refusal == MOVED && area_near(p, list[i].moved.patch) == NULL)
            list[i].refusal = TOO_FAR;
        i += list[i].refusal == MOVED ? write_stubs(p, list + i, count - i) : 1;
    }
}

/* ---- the ways into them ---- */

/* What stands at the places: in one go where the kernel allows it. */
static void look_at_places(const struct process *p, struct plan *list, size_t count)
{
    enum { MOST = 64 };
    struct iovec ours[MOST], theirs[MOST];
    const struct tracee *t = &p->tracee;
    for (size_t from = 0; from < count; from += MOST) {
        size_t n = count - from < MOST ? count - from : MOST;
        for (size_t i = 0; i < n; i++) {
            ours[i] = (struct iovec){list[from + i].there, JUMP_BYTES};
            theirs[i] = (struct iovec){(void *)list[from + i].moved.patch, JUMP_BYTES};
        }
        if (process_vm_readv(t->pid, ours, n, theirs, n, 0) == (ssize_t)(n * JUMP_BYTES))
            continue;
        for (size_t i = from; i < from + n; i++)
            if (!tracee_read(t, list[i].moved.patch, list[i].there, JUMP_BYTES))
                memset(list[i].there, 0, JUMP_BYTES);
    }
}

/* Plans are made of the file; something may have written over its code. */
static bool is_as_planned(const struct plan *plan)
{
    return memcmp(plan->there, plan->seen, plan->hop ? SHORT_JUMP_BYTES : JUMP_BYTES) == 0;
}

static enum refusal lead_in(struct process *p, const struct plan *plan, size_t index,
                            struct ways *ways)
{
    if (!is_as_planned(plan))
        return CHANGED;
    if (!steps_aside(p, plan))
        return IN_USE;
    struct code_area *area = area_near(p, plan->moved.patch);
    return plan_way(p, plan, index, stub_address(area, plan->number), ways) ? MOVED : TOO_FAR;
}

void plans_put(struct process *p, struct plan *list, size_t count)
{
    write_all_stubs(p, list, count);
    look_at_places(p, list, count);
    struct ways ways = {calloc(count + 1, sizeof *ways.list), 0};
    for (size_t i = 0; i < count; i++)
        if (list[i].refusal == MOVED)
            list[i].refusal = ways.list ? lead_in(p, &list[i], i, &ways) : TOO_FAR;
    if (ways.count > 0)
        patches_write(&p->tracee, ways.list, ways.count);
    for (size_t i = 0; i < ways.count; i++)
        if (ways.list[i].failed)
            list[ways.list[i].owner].refusal = TOO_FAR;
    free(ways.list);
}

/* The file may have been unloaded meanwhile. */
static bool is_loaded(const struct process *p, const struct plan *plan)
{
    const struct module *m = module_around(p, plan->moved.patch);
    return m != NULL && m->id == p->family->hooks[plan->number].module;
}

/* Without a phase's begin or an unwinder events are seen all the same. */
static bool shows_events(const struct hook *hook)
{
    return hook->kind != HOOK_PHASE && hook->kind != HOOK_START && hook->kind != HOOK_FDE;
}

void plan_refused(struct host *h, const struct process *p, const struct plan *plan, uint64_t vaddr,
                  const char *path)
{
    const char *text = "%s at %#llx of %s is not seen: %s", *why = refusal_text(plan->refusal);
    if (tracee_is_gone(&p->tracee))
        return;
    h->refused++;
    if (shows_events(&p->family->hooks[plan->number]))
        say_unseen(h, "hook", text, plan->what, (unsigned long long)vaddr, path, why);
    else
        say_note(h, text, plan->what, (unsigned long long)vaddr, path, why);
}

static void tell_refused(struct host *h, const struct process *p, const struct plan *plan)
{
    const struct module *m = module_around(p, plan->moved.patch);
    if (m != NULL)
        plan_refused(h, p, plan, plan->moved.patch - m->bias, m->path);
}

void plans_write(struct host *h, struct process *p, struct plans *plans)
{
    size_t kept = 0;
    for (size_t i = 0; i < plans->count; i++)
        if (is_loaded(p, &plans->list[i]))
            plans->list[kept++] = plans->list[i];
    plans_put(p, plans->list, kept);
    plans->count = 0;
    for (size_t i = 0; i < kept; i++) {
        struct plan *plan = &plans->list[i];
        if (plan->refusal == MOVED)
            continue;
        if (plan->refusal != IN_USE) {
            tell_refused(h, p, plan);
            continue;
        }
        plan->refusal = MOVED;
        plans->list[plans->count++] = *plan;
    }
}

void plans_give_up(struct host *h, const struct process *p, struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        plans->list[i].refusal = IN_USE;
        tell_refused(h, p, &plans->list[i]);
    }
    plans->count = 0;
}
