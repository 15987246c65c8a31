/* plant/calls.c - which functions of a file are allocator entry points or mark regions of the
 * program (region/), and their wrappers. */
#include "calls.h"
#include "contract.h"
#include "base/grow.h"
#include "findings/loader.h"
#include "modules/modules.h"
#include "hooks.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t value, size;
    unsigned names;
    const struct watched *as[MAX_NAMES]; /* alike */
};

struct entries {
    struct entry *list;
    size_t count, room;
};

#define MAX_OPERATOR 512 /* bytes of operator new that are looked at */

static void announce_hook(struct host *h, struct hook *hook, const struct module *m,
                          const char *impl)
{
    for (unsigned i = 0; i < hook->names; i++) {
        const struct watched *w = hook->as[i];
        const char *entered = impl ? impl : w->name;
        hook->spool_id[i] = h->next_hook++;
        json_begin(&h->json, "hook");
        json_number(&h->json, "id", hook->spool_id[i]);
        json_number(&h->json, "module", m->id);
        json_text(&h->json, "name", w->point);
        json_text(&h->json, "impl", entered);
        json_number(&h->json, "address", hook->address);
        json_text(&h->json, "arguments", w->arguments);
        if (w->returns_size)
            json_text(&h->json, "returns", "size");
        spool_json(&h->spool, &h->json);
        history_hook_named(h->history, hook->spool_id[i], w->point, entered, w->arguments,
                           w->returns_size);
    }
}

struct plan *plan_wrapper(struct host *h, struct process *p, struct module *m,
                          const struct text *text, uint64_t address, uint64_t size,
                          const struct watched *w, struct plans *plans)
{
    uint32_t number;
    struct function f;
    if (!function_at(m, text, address, size, &f))
        return NULL;
    struct hook *hook = hook_new(h, p, &number);
    struct plan *plan = hook ? plans_add(plans) : NULL;
    if (plan == NULL)
        return NULL;
    hook->kind = watched_kind(w) & 0xff;
    hook->address = address;
    hook->module = m->id;
    p->family->area->hook_kind[number] = watched_kind(w);
    plan->number = number;
    plan->what = w->name;
    plan_function(h, p, plan, &f, WRAP);
    return plan;
}

static void plan_call(struct host *h, struct process *p, struct module *m, const struct text *text,
                      const struct entry *entry, const char *impl, struct plans *plans)
{
    const struct plan *plan =
        plan_wrapper(h, p, m, text, entry->value + m->bias, entry->size, entry->as[0], plans);
    if (plan == NULL)
        return;
    struct hook *hook = &p->family->hooks[plan->number];
    hook->names = entry->names;
    memcpy(hook->as, entry->as, entry->names * sizeof *entry->as);
    announce_hook(h, hook, m, impl);
    h->calls += plan->refusal == MOVED;
}

static bool reachable(const struct elf_symbol *symbol)
{
    return symbol->bind == STB_GLOBAL || symbol->bind == STB_WEAK || symbol->bind == STB_GNU_UNIQUE;
}

static bool is_entry(const struct entries *entries, uint64_t value)
{
    for (size_t i = 0; i < entries->count; i++)
        if (entries->list[i].value == value)
            return true;
    return false;
}

static void add_entry(struct entries *entries, const struct elf_symbol *symbol,
                      const struct watched *w)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->list[i];
        if (entry->value != symbol->value)
            continue;
        if (entry->names < MAX_NAMES && watched_alike(entry->as[0], w))
            entry->as[entry->names++] = w;
        return;
    }
    struct entry *list =
        with_room_for_one(entries->list, entries->count, &entries->room, 16, sizeof *list);
    if (list == NULL)
        return;
    entries->list = list;
    list[entries->count++] = (struct entry){symbol->value, symbol->size, 1, {w}};
}

/* Of one name's symbols those that callers reach. The linker of a static PIE makes libc's hidden
 * `malloc` a local name; and a user may name a function that is static. */
static void add_named(const struct module *m, const struct elf_named *named,
                      const struct watched *w, struct entries *entries)
{
    size_t stored = named->count < ELF_SAME_NAME ? named->count : ELF_SAME_NAME;
    bool is_other = strcmp(w->name, w->point) != 0, any = false;
    for (size_t i = 0; i < stored; i++)
        any |= reachable(&named->symbols[i]);
    bool local = !any && (is_other || (named->count == 1 && elf_is_static(&m->elf)));
    for (size_t i = 0; i < stored; i++)
        if (local || reachable(&named->symbols[i]))
            add_entry(entries, &named->symbols[i], w);
}

static void plan_loader(struct host *h, struct process *p, struct module *m,
                        const struct text *text, struct plans *plans)
{
    uint64_t vaddrs[ELF_LOADER_NAMES];
    static const char *const names[ELF_LOADER_NAMES] = {"malloc", "calloc", "realloc", "free"};
    if (!found_loader(m->found, &m->elf, h->use_symbols ? "/usr/lib/debug" : NULL, vaddrs))
        return;
    for (int i = 0; i < ELF_LOADER_NAMES; i++)
        for (size_t k = 0; vaddrs[i] && k < h->watched.count; k++)
            if (strcmp(h->watched.names[k], names[i]) == 0) {
                struct entry entry = {vaddrs[i], 0, 1, {&h->watched.list[k]}};
                plan_call(h, p, m, text, &entry, elf_loader_impls[i], plans);
            }
}

static int by_value(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static bool is_watched(struct host *h, struct module *m, const struct elf_named *found,
                       uint64_t target)
{
    const char *called = elf_plt_target(&m->elf, target);
    for (size_t i = 0; i < h->watched.count; i++) {
        if (called != NULL && strcmp(called, h->watched.names[i]) == 0)
            return true;
        for (size_t k = 0; k < found[i].count && k < ELF_SAME_NAME; k++)
            if (found[i].symbols[k].value == target)
                return true;
    }
    return false;
}

/* Whether it calls a function that is watched: then it only passes on what that hands out. */
static bool passes_on(struct host *h, struct module *m, const struct code *code,
                      const struct elf_named *found, const struct elf_symbol *symbol)
{
    uint64_t start = symbol->value + m->bias - code->address;
    size_t size = symbol->size < MAX_OPERATOR ? symbol->size : MAX_OPERATOR;
    if (start > code->length || size > code->length - start)
        return true; /* in another part of the file */
    for (size_t at = 0; at + JUMP_BYTES <= size; at++) {
        int32_t distance;
        const uint8_t *bytes = code->bytes + start + at;
        if (*bytes != 0xe8 && *bytes != 0xe9) /* call, jmp */
            continue;
        memcpy(&distance, bytes + 1, sizeof distance);
        if (is_watched(h, m, found, symbol->value + at + JUMP_BYTES + (uint64_t)(int64_t)distance))
            return true;
    }
    return false;
}

/* operator new counts beside an allocator of the same file: libstdc++'s calls malloc, which is seen;
 * an allocator's own hands out memory itself. */
static void add_beside(struct host *h, struct module *m, const struct text *text,
                       const struct elf_named *found, struct entries *entries)
{
    if (entries->count == 0)
        return;
    for (size_t i = 0; i < h->watched.count; i++)
        if (h->watched.list[i].beside && found[i].count > 0 &&
            (is_entry(entries, found[i].symbols[0].value) ||
             !passes_on(h, m, &text->code, found, &found[i].symbols[0])))
            add_named(m, &found[i], &h->watched.list[i], entries);
}

void plan_calls(struct host *h, struct process *p, struct module *m, const struct text *text,
                struct plans *plans)
{
    const struct watched_list *watched = &h->watched;
    struct elf_named *found = watched->found;
    struct entries entries = {0};
    found_functions(m->found, &m->elf, watched->names, watched->count, found);
    for (size_t i = 0; i < watched->count; i++)
        if (!watched->list[i].beside)
            add_named(m, &found[i], &watched->list[i], &entries);
    add_beside(h, m, text, found, &entries);
    if (entries.count == 0 && m->role == ROLE_LOADER)
        plan_loader(h, p, m, text, plans);
    qsort(entries.list, entries.count, sizeof *entries.list, by_value);
    for (size_t i = 0; i < entries.count; i++)
        plan_call(h, p, m, text, &entries.list[i], NULL, plans);
    free(entries.list);
}

/* ---- where regions begin and end ---- */

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

/* ---- which alias was called: the call site knows, the address does not ---- */

static unsigned name_at(const struct process *p, const struct hook *hook, uint64_t ret)
{
    struct module *m = module_around(p, ret);
    uint8_t code[6];
    int32_t distance;
    if (m == NULL || !m->has_elf || !tracee_read(&p->tracee, ret - 6, code, sizeof code))
        return 0;
    uint64_t target = ret - 6;
    memcpy(&distance, code + 2, sizeof distance);
    if (code[1] == 0xe8)
        target = ret + (uint64_t)(int64_t)distance;
    else if (code[0] != 0xff || code[1] != 0x15)
        return 0;
    m = module_around(p, target);
    const char *called = m && m->has_elf ? elf_plt_target(&m->elf, target - m->bias) : NULL;
    for (unsigned i = 0; called != NULL && i < hook->names; i++)
        if (strcmp(hook->as[i]->name, called) == 0)
            return i;
    return 0;
}

uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret)
{
    const struct hook *hook = &p->family->hooks[number];
    if (hook->names <= 1)
        return hook->spool_id[0];
    struct call_site *site = &p->family->sites[(ret ^ ret >> 12) % CALL_SITES];
    if (site->ret != ret || site->hook != number)
        *site = (struct call_site){ret, number, name_at(p, hook, ret)};
    return hook->spool_id[site->name];
}
