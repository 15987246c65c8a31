/* hooks.c - allocator functions, system calls and borders get their detours.
 *
 * The target either stands still, or the code is that of a file that it has only just mapped and
 * that runs nowhere yet: the thread that mapped it waits for our answer.
 */
#include "host.h"
#include "detour.h"
#include "site_detour.h"

#include <stdlib.h>
#include <string.h>

static const char *const entry_points[] = {
    "malloc",        "calloc",         "realloc",  "reallocarray", "free",
    "aligned_alloc", "posix_memalign", "memalign", "valloc",       "pvalloc"};
#define ENTRY_POINTS (sizeof entry_points / sizeof *entry_points)
#define FUNCTION_ROOM 16384
#define SITE_ROOM 128 /* bytes before and behind a syscall that its run may take */

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

static struct hook *new_hook(struct host *h, uint32_t *number)
{
    if (h->process.hook_count == MAX_HOOKS) {
        h->refused++;
        return NULL;
    }
    *number = h->process.hook_count;
    struct hook *hook = &h->process.hooks[h->process.hook_count++];
    *hook = (struct hook){0};
    return hook;
}

static void refuse(struct host *h, const struct module *m, const char *what, uint64_t address,
                   enum refusal why)
{
    h->refused++;
    say_note(h, "%s at %#llx of %s is not seen: %s", what, (unsigned long long)(address - m->bias),
             m->path, refusal_text(why));
}

/* ---- reading code ---- */

static size_t function_extent(const struct module *m, uint64_t address, uint64_t symbol_size)
{
    struct frames_range range;
    if (m->has_elf && frames_extent(&m->frames, address - m->bias, &range))
        return range.high - (address - m->bias);
    return symbol_size;
}

static bool read_function(struct host *h, const struct module *m, uint64_t address,
                          uint64_t symbol_size, uint8_t *bytes, struct function *out)
{
    size_t extent = function_extent(m, address, symbol_size);
    size_t wanted = extent == 0 ? 512 : extent + 64 < FUNCTION_ROOM ? extent + 64 : FUNCTION_ROOM;
    size_t got = tracee_read_some(&h->process.tracee, address, bytes, wanted);
    *out = (struct function){{address, bytes, got}, extent < got ? extent : 0};
    return got > 0;
}

/* What stood there is kept, so that it can be put back. */
static bool write_jump(struct host *h, uint32_t number, const struct moved *moved, uint64_t to)
{
    struct hook *hook = &h->process.hooks[number];
    uint8_t jump[JUMP_BYTES];
    hook->patch = moved->patch;
    return detour_jump(moved, to, jump) &&
           tracee_read(&h->process.tracee, moved->patch, hook->original, sizeof jump) &&
           tracee_write(&h->process.tracee, moved->patch, jump, sizeof jump);
}

void hook_undo(struct host *h, uint32_t number)
{
    if (number >= h->process.hook_count)
        return;
    struct hook *hook = &h->process.hooks[number];
    if (hook->patch != 0)
        tracee_write(&h->process.tracee, hook->patch, hook->original, sizeof hook->original);
    hook->patch = 0;
}

/* ---- allocator functions ---- */

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
    }
}

/* The stub of an allocator function: its number, the agent's wrapper; then the moved entry. */
static enum refusal write_wrapper(struct host *h, const struct function *f, uint32_t number)
{
    struct code_area *area = area_near(h, f->code.address);
    if (area == NULL)
        return TOO_FAR;
    uint64_t stub = stub_address(area, number);
    struct moved moved;
    uint8_t head[STUB_MOVED];
    struct emitter out;
    enum refusal why = detour_entry(f, JUMP_BYTES, stub + STUB_MOVED, &moved);
    if (why != MOVED)
        return why;
    if (moved.length > STUB_SIZE - STUB_MOVED)
        return TOO_LONG;
    emit_begin(&out, stub, head, sizeof head);
    emit_push(&out, number);
    emit_jump(&out, agent_address(h, area, AGENT_ENTRY));
    if (emit_failed(&out))
        return TOO_FAR;
    bool done = tracee_write(&h->process.tracee, stub, head, out.length) &&
                tracee_write(&h->process.tracee, moved.copy, moved.bytes, moved.length) &&
                write_jump(h, number, &moved, stub);
    return done ? MOVED : TOO_FAR;
}

static void plant_call(struct host *h, struct module *m, const char *const *names, unsigned count,
                       const char *impl, uint64_t address, uint64_t size)
{
    static uint8_t bytes[FUNCTION_ROOM];
    struct function f;
    uint32_t number;
    struct hook *hook = new_hook(h, &number);
    if (hook == NULL || !read_function(h, m, address, size, bytes, &f))
        return;
    hook->kind = kind_of(names[0]);
    hook->address = address;
    hook->module = m->id;
    hook->names = count;
    memcpy(hook->name, names, count * sizeof *names);
    h->area->hook_kind[number] = hook->kind;
    announce_hook(h, hook, m, impl);
    enum refusal why = write_wrapper(h, &f, number);
    if (why != MOVED)
        refuse(h, m, names[0], address, why);
    else
        h->calls++;
}

static bool reachable(const struct elf_symbol *symbol)
{
    return symbol->bind == STB_GLOBAL || symbol->bind == STB_WEAK || symbol->bind == STB_GNU_UNIQUE;
}

struct entry {
    uint64_t value, size;
    unsigned names;
    const char *name[MAX_NAMES];
};

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

static void plant_loader(struct host *h, struct module *m)
{
    uint64_t vaddrs[ELF_LOADER_NAMES];
    static const char *const names[ELF_LOADER_NAMES] = {"malloc", "calloc", "realloc", "free"};
    if (!elf_loader_malloc(&m->elf, h->use_symbols ? "/usr/lib/debug" : NULL, vaddrs))
        return;
    for (int i = 0; i < ELF_LOADER_NAMES; i++)
        if (vaddrs[i])
            plant_call(h, m, &names[i], 1, elf_loader_impls[i], vaddrs[i] + m->bias, 0);
}

static int by_value(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static void plant_calls(struct host *h, struct module *m)
{
    struct elf_named found[ENTRY_POINTS];
    struct entry entries[ENTRY_POINTS * ELF_SAME_NAME];
    size_t count = 0;
    elf_functions_named(&m->elf, entry_points, ENTRY_POINTS, found);
    for (size_t i = 0; i < ENTRY_POINTS; i++)
        add_named(m, &found[i], entry_points[i], entries, &count);
    if (count == 0 && m->role == ROLE_LOADER)
        plant_loader(h, m);
    qsort(entries, count, sizeof *entries, by_value);
    for (size_t i = 0; i < count; i++)
        plant_call(h, m, entries[i].name, entries[i].names, NULL, entries[i].value + m->bias,
                   entries[i].size);
}

/* ---- which alias was called: the call site knows, the address does not ---- */

static unsigned name_at(struct host *h, const struct hook *hook, uint64_t ret)
{
    struct module *m = module_at(h, ret);
    uint8_t code[6];
    int32_t distance;
    if (m == NULL || !m->has_elf || !tracee_read(&h->process.tracee, ret - 6, code, sizeof code))
        return 0;
    uint64_t target = ret - 6;
    memcpy(&distance, code + 2, sizeof distance);
    if (code[1] == 0xe8)
        target = ret + (uint64_t)(int64_t)distance;
    else if (code[0] != 0xff || code[1] != 0x15)
        return 0;
    m = module_at(h, target);
    const char *called = m && m->has_elf ? elf_plt_target(&m->elf, target - m->bias) : NULL;
    for (unsigned i = 0; called != NULL && i < hook->names; i++)
        if (strcmp(hook->name[i], called) == 0)
            return i;
    return 0;
}

uint32_t hook_id_at(struct host *h, uint32_t number, uint64_t ret)
{
    const struct hook *hook = &h->process.hooks[number];
    if (hook->names <= 1)
        return hook->spool_id[0];
    struct call_site *site = &h->process.sites[(ret ^ ret >> 12) % CALL_SITES];
    if (site->ret != ret || site->hook != number)
        *site = (struct call_site){ret, number, name_at(h, hook, ret)};
    return hook->spool_id[site->name];
}

/* ---- other functions ---- */

/* The stub of a function that is only to be noticed: the agent, then the moved entry. */
static enum refusal write_notice(struct host *h, const struct function *f, uint32_t number)
{
    struct code_area *area = area_near(h, f->code.address);
    if (area == NULL)
        return TOO_FAR;
    uint64_t stub = stub_address(area, number);
    uint8_t head[STUB_MOVED];
    struct emitter out;
    struct moved moved;
    emit_begin(&out, stub, head, sizeof head);
    emit_hook_call(&out, agent_address(h, area, AGENT_ANY), number);
    enum refusal why = detour_entry(f, JUMP_BYTES, emit_here(&out), &moved);
    if (why != MOVED || emit_failed(&out))
        return why != MOVED ? why : TOO_FAR;
    bool done = tracee_write(&h->process.tracee, stub, head, out.length) &&
                tracee_write(&h->process.tracee, moved.copy, moved.bytes, moved.length) &&
                write_jump(h, number, &moved, stub);
    return done ? MOVED : TOO_FAR;
}

static bool notice(struct host *h, struct module *m, uint64_t address, uint64_t size,
                   enum hook_kind kind, uint64_t detail)
{
    static uint8_t bytes[FUNCTION_ROOM];
    struct function f;
    uint32_t number;
    struct hook *hook = new_hook(h, &number);
    if (hook == NULL || !read_function(h, m, address, size, bytes, &f))
        return false;
    hook->kind = kind;
    hook->address = address;
    hook->module = m->id;
    h->area->hook_kind[number] = kind | detail << 8;
    return write_notice(h, &f, number) == MOVED;
}

uint32_t hook_border(struct host *h, uint64_t address, uint64_t border)
{
    struct module *m = module_at(h, address);
    uint32_t number = h->process.hook_count;
    return m != NULL && notice(h, m, address, 0, HOOK_BORDER, border) ? number : NO_HOOK;
}

uint64_t hook_stub_to(struct host *h, struct code_area *area, uint64_t address, uint64_t border)
{
    uint32_t number;
    struct hook *hook = new_hook(h, &number);
    if (hook == NULL || area == NULL)
        return 0;
    uint8_t bytes[64];
    struct emitter out;
    uint64_t stub = stub_address(area, number);
    hook->kind = HOOK_BORDER;
    h->area->hook_kind[number] = HOOK_BORDER | border << 8;
    emit_begin(&out, stub, bytes, sizeof bytes);
    emit_hook_call(&out, agent_address(h, area, AGENT_ANY), number);
    emit_bytes(&out, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
    emit_bytes(&out, &address, sizeof address);
    return !emit_failed(&out) && tracee_write(&h->process.tracee, stub, bytes, out.length) ? stub
                                                                                           : 0;
}

static void notice_named(struct host *h, struct module *m, const char *name, enum hook_kind kind,
                         uint64_t detail)
{
    struct elf_symbol symbol;
    if (elf_function(&m->elf, name, &symbol))
        notice(h, m, symbol.value + m->bias, symbol.size, kind, detail);
}

/* ---- system calls ---- */

static void plant_site(struct host *h, struct module *m, const struct code *code,
                       const struct site *site)
{
    uint32_t number;
    struct code_area *area = area_near(h, site->address);
    struct moved moved;
    enum refusal why = site->refusal;
    struct hook *hook = why == MOVED ? new_hook(h, &number) : NULL;
    if (hook != NULL && area != NULL) {
        struct site_hooks hooks = {agent_address(h, area, AGENT_ANY),
                                   agent_address(h, area, AGENT_BEHIND), number};
        hook->kind = HOOK_SYSCALL;
        hook->address = site->address;
        hook->module = m->id;
        h->area->hook_kind[number] = HOOK_SYSCALL | (site->address + 2) << 8;
        why = site_detour(code, site, &hooks, stub_address(area, number), &moved);
        if (why == MOVED && moved.length > STUB_SIZE)
            why = TOO_LONG;
        if (why == MOVED &&
            !(tracee_write(&h->process.tracee, moved.copy, moved.bytes, moved.length) &&
              write_jump(h, number, &moved, moved.copy)))
            why = TOO_FAR;
    }
    if (why != MOVED && why != CANCELLATION)
        say_note(h, "a system call (%d) at %#llx of %s is not seen: %s", site->number,
                 (unsigned long long)(site->address - m->bias), m->path, refusal_text(why));
    else
        h->syscalls++;
}

static struct extent *extents_of(const struct module *m, size_t *count)
{
    const struct frames *f = &m->frames;
    struct extent *list = calloc(f->extent_count + 1, sizeof *list);
    *count = list ? f->extent_count : 0;
    for (size_t i = 0; i < *count; i++)
        list[i] =
            (struct extent){f->extents[i].low + m->bias, f->extents[i].high - f->extents[i].low};
    return list;
}

/* A signal's restorer: it finds the signal's frame by the stack pointer, and unwinders know it by
 * its bytes. mov $15, %rax; or as musl has it, mov $15, %eax. */
static bool is_restorer(const struct code *code, const struct site *site)
{
    uint64_t at = site->address - code->address;
    const uint8_t *bytes = code->bytes + at;
    return (at >= 7 && memcmp(bytes - 7, "\x48\xc7\xc0\x0f\0\0", 7) == 0) ||
           (at >= 5 && memcmp(bytes - 5, "\xb8\x0f\0\0", 5) == 0);
}

static void plant_sites_in(struct host *h, struct module *m, uint64_t start, size_t size)
{
    struct text text = {.code = {start, NULL, 0}};
    struct sites sites = {0};
    uint8_t *bytes = malloc(size);
    struct extent *extents = extents_of(m, &text.count);
    text.functions = extents;
    if (bytes != NULL) {
        text.code.bytes = bytes;
        text.code.length = tracee_read_some(&h->process.tracee, start, bytes, size);
        sites_find(&text, &sites);
        for (size_t i = 0; i < sites.count; i++)
            if (site_matters(sites.list[i].number) && !is_restorer(&text.code, &sites.list[i]))
                plant_site(h, m, &text.code, &sites.list[i]);
    }
    sites_free(&sites);
    free(extents);
    free(bytes);
}

static void plant_sites(struct host *h, struct module *m)
{
    Elf64_Phdr segment;
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && segment.p_filesz < 1u << 30)
            plant_sites_in(h, m, segment.p_vaddr + m->bias, segment.p_filesz);
}

void hooks_plant(struct host *h, struct module *m)
{
    if (!m->has_elf || m->role == ROLE_VDSO)
        return;
    plant_calls(h, m);
    plant_sites(h, m);
    if (m->role == ROLE_LOADER)
        notice_named(h, m, "_dl_debug_state", HOOK_LIBS, 0);
    if (m->role == ROLE_LIBRARY)
        notice_named(h, m, "__libc_start_main", HOOK_START, 0);
    notice_named(h, m, "exit", HOOK_BORDER, BORDER_EXIT);
}
