/* hook_calls.c - which functions of a file are allocator entry points, and their wrappers. */
#include "hook_calls.h"

#include <stdlib.h>
#include <string.h>

static const char *const entry_points[] = {
    "malloc",        "calloc",         "realloc",  "reallocarray", "free",
    "aligned_alloc", "posix_memalign", "memalign", "valloc",       "pvalloc"};
#define ENTRY_POINTS (sizeof entry_points / sizeof *entry_points)

struct entry {
    uint64_t value, size;
    unsigned names;
    const char *name[MAX_NAMES];
};

static enum hook_kind kind_of(const char *name)
{
    static const char *const simple[] = {"malloc", "free", "valloc", "pvalloc"};
    if (strcmp(name, "posix_memalign") == 0)
        return HOOK_MEMPTR;
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (strcmp(name, simple[i]) == 0)
            return HOOK_CALL1;
    return HOOK_CALL3;
}

static void announce_hook(struct host *h, struct hook *hook, const struct module *m,
                          const char *impl)
{
    for (unsigned i = 0; i < hook->names; i++) {
        hook->spool_id[i] = h->next_hook++;
        json_begin(&h->json, "hook");
        json_number(&h->json, "id", hook->spool_id[i]);
        json_number(&h->json, "module", m->id);
        json_text(&h->json, "name", hook->name[i]);
        json_text(&h->json, "impl", impl ? impl : hook->name[i]);
        json_number(&h->json, "address", hook->address);
        spool_json(&h->spool, &h->json);
        history_hook(h->history, hook->spool_id[i], hook->name[i], impl ? impl : hook->name[i]);
    }
}

static void plan_call(struct host *h, struct module *m, const struct text *text,
                      const struct entry *entry, const char *impl, struct plans *plans)
{
    uint32_t number;
    struct function f;
    if (!function_at(m, text, entry->value + m->bias, entry->size, &f))
        return; /* in another part of the file */
    struct hook *hook = hook_new(h, &number);
    struct plan *plan = hook ? plans_add(plans) : NULL;
    if (plan == NULL)
        return;
    hook->kind = kind_of(entry->name[0]);
    hook->address = entry->value + m->bias;
    hook->module = m->id;
    hook->names = entry->names;
    memcpy(hook->name, entry->name, entry->names * sizeof *entry->name);
    h->family->area->hook_kind[number] = hook->kind;
    if (strcmp(entry->name[0], "free") == 0)
        h->family->area->hook_kind[number] |= HOOK_FREES;
    announce_hook(h, hook, m, impl);
    plan->number = number;
    plan->what = entry->name[0];
    plan_function(h, plan, &f, WRAP);
    h->calls += plan->refusal == MOVED;
}

static bool reachable(const struct elf_symbol *symbol)
{
    return symbol->bind == STB_GLOBAL || symbol->bind == STB_WEAK || symbol->bind == STB_GNU_UNIQUE;
}

static void add_entry(struct entry *entries, size_t *count, const struct elf_symbol *symbol,
                      const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (entries[i].value == symbol->value) {
            if (entries[i].names < MAX_NAMES)
                entries[i].name[entries[i].names++] = name;
            return;
        }
    entries[(*count)++] = (struct entry){symbol->value, symbol->size, 1, {name}};
}

/* Of one name's symbols those that callers reach. The linker of a static PIE makes libc's hidden
 * `malloc` a local name. */
static void add_named(const struct module *m, const struct elf_named *named, const char *name,
                      struct entry *entries, size_t *count)
{
    size_t stored = named->count < ELF_SAME_NAME ? named->count : ELF_SAME_NAME;
    bool any = false;
    for (size_t i = 0; i < stored; i++)
        any |= reachable(&named->symbols[i]);
    for (size_t i = 0; i < stored; i++)
        if (reachable(&named->symbols[i]) || (!any && named->count == 1 && elf_is_static(&m->elf)))
            add_entry(entries, count, &named->symbols[i], name);
}

static void plan_loader(struct host *h, struct module *m, const struct text *text,
                        struct plans *plans)
{
    uint64_t vaddrs[ELF_LOADER_NAMES];
    static const char *const names[ELF_LOADER_NAMES] = {"malloc", "calloc", "realloc", "free"};
    if (!found_loader(m->found, &m->elf, h->use_symbols ? "/usr/lib/debug" : NULL, vaddrs))
        return;
    for (int i = 0; i < ELF_LOADER_NAMES; i++) {
        struct entry entry = {vaddrs[i], 0, 1, {names[i]}};
        if (vaddrs[i])
            plan_call(h, m, text, &entry, elf_loader_impls[i], plans);
    }
}

static int by_value(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

void plan_calls(struct host *h, struct module *m, const struct text *text, struct plans *plans)
{
    struct elf_named found[ENTRY_POINTS];
    struct entry entries[ENTRY_POINTS * ELF_SAME_NAME];
    size_t count = 0;
    found_functions(m->found, &m->elf, entry_points, ENTRY_POINTS, found);
    for (size_t i = 0; i < ENTRY_POINTS; i++)
        add_named(m, &found[i], entry_points[i], entries, &count);
    if (count == 0 && m->role == ROLE_LOADER)
        plan_loader(h, m, text, plans);
    qsort(entries, count, sizeof *entries, by_value);
    for (size_t i = 0; i < count; i++)
        plan_call(h, m, text, &entries[i], NULL, plans);
}

/* ---- which alias was called: the call site knows, the address does not ---- */

static unsigned name_at(struct host *h, const struct hook *hook, uint64_t ret)
{
    struct module *m = module_around(h, ret);
    uint8_t code[6];
    int32_t distance;
    if (m == NULL || !m->has_elf || !tracee_read(&h->process->tracee, ret - 6, code, sizeof code))
        return 0;
    uint64_t target = ret - 6;
    memcpy(&distance, code + 2, sizeof distance);
    if (code[1] == 0xe8)
        target = ret + (uint64_t)(int64_t)distance;
    else if (code[0] != 0xff || code[1] != 0x15)
        return 0;
    m = module_around(h, target);
    const char *called = m && m->has_elf ? elf_plt_target(&m->elf, target - m->bias) : NULL;
    for (unsigned i = 0; called != NULL && i < hook->names; i++)
        if (strcmp(hook->name[i], called) == 0)
            return i;
    return 0;
}

uint32_t hook_id_at(struct host *h, uint32_t number, uint64_t ret)
{
    const struct hook *hook = &h->family->hooks[number];
    if (hook->names <= 1)
        return hook->spool_id[0];
    struct call_site *site = &h->family->sites[(ret ^ ret >> 12) % CALL_SITES];
    if (site->ret != ret || site->hook != number)
        *site = (struct call_site){ret, number, name_at(h, hook, ret)};
    return hook->spool_id[site->name];
}
