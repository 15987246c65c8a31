/* hooks.c - allocator functions, system calls and beginnings of phases get their detours.
 *
 * The target either stands still, or the code is that of a file that it has only just mapped and
 * that runs nowhere yet: the thread that mapped it waits for our answer.
 */
#include "calls.h"
#include "plans.h"
#include "code/syscall_detour.h"
#include "area/areas.h"
#include "modules/modules.h"
#include "hooks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- functions that are only to be noticed ---- */

static struct plan *plan_notice(struct host *h, const struct process *p, struct module *m,
                                enum hook_kind kind, uint64_t detail, uint64_t address,
                                struct plans *plans)
{
    uint32_t number;
    struct hook *hook = hook_new(h, p, &number);
    struct plan *plan = hook ? plans_add(plans) : NULL;
    if (plan == NULL)
        return NULL;
    hook->kind = kind;
    hook->address = address;
    hook->module = m->id;
    p->family->area->hook_kind[number] = kind | detail << 8;
    plan->number = number;
    plan->what = "a border of the phases";
    return plan;
}

static void plan_named(struct host *h, struct process *p, struct module *m, const struct text *text,
                       const char *name, enum hook_kind kind, uint64_t detail, struct plans *plans)
{
    struct elf_symbol symbol;
    struct function f;
    if (!found_function(m->found, &m->elf, name, &symbol) ||
        !function_at(m, text, symbol.value + m->bias, symbol.size, &f))
        return;
    struct plan *plan = plan_notice(h, p, m, kind, detail, symbol.value + m->bias, plans);
    if (plan != NULL)
        plan_function(h, p, plan, &f, NOTICE);
}

uint32_t hook_phase(struct host *h, struct process *p, uint64_t address, uint64_t at)
{
    struct module *m = module_around(p, address);
    struct plans plans = {0};
    struct text text = {0};
    struct function f;
    uint32_t number = NO_HOOK;
    if (m != NULL && m->has_elf && text_around(p, m, address, &text) &&
        function_at(m, &text, address, 0, &f)) {
        struct plan *plan = plan_notice(h, p, m, HOOK_PHASE, at, address, &plans);
        if (plan != NULL) {
            plan_function(h, p, plan, &f, NOTICE);
            if (plans_carry_out(p, m, &text, &plans) == 0) {
                plan_hop(h, p, plan, m, &text, &f);
                plans_carry_out(p, m, &text, &plans);
            }
            number = plan->refusal == MOVED ? plan->number : NO_HOOK;
        }
    }
    plans_free(&plans);
    text_free(&text);
    return number;
}

uint64_t hook_stub_to(struct host *h, const struct process *p, struct code_area *area,
                      uint64_t address, uint64_t at)
{
    uint32_t number;
    struct hook *hook = hook_new(h, p, &number);
    if (hook == NULL || area == NULL)
        return 0;
    uint8_t bytes[64];
    struct emitter out;
    uint64_t stub = stub_address(area, number);
    hook->kind = HOOK_PHASE;
    p->family->area->hook_kind[number] = HOOK_PHASE | at << 8;
    emit_begin(&out, stub, bytes, sizeof bytes);
    emit_hook_call(&out, agent_address(h, area, AGENT_ANY), number);
    emit_bytes(&out, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
    emit_bytes(&out, &address, sizeof address);
    return !emit_failed(&out) && tracee_write(&p->tracee, stub, bytes, out.length) ? stub : 0;
}

/* ---- system calls ---- */

/* clone, fork, clone3: a child comes back from these as well. */
static bool makes_child(int number)
{
    return number == SYS_clone || number == SYS_fork || number == SYS_clone3;
}

/* Under LD_AUDIT the thread pointer is set before the program's libraries are mapped, and the loader
 * tells of them only when it has called functions of theirs: what shows them is that it makes data
 * of one read-only. Where the loader is the C library (musl), anybody may call mprotect there. */
static bool relocates(const struct module *m, const struct syscall_site *site)
{
    struct elf_symbol symbol;
    return m->role == ROLE_LOADER && site->number == SYS_mprotect && m->has_elf &&
           !elf_function(&m->elf, "__libc_start_main", &symbol);
}

/* The loader sets the thread pointer (init_tls, elf/rtld.c) when it has mapped all libraries, and
 * relocates them next: that runs code of theirs and of the program, resolvers of IFUNCs. */
static enum hook_kind kind_of_site(const struct module *m, const struct syscall_site *site)
{
    if (m->role == ROLE_LOADER && site->number == SYS_arch_prctl)
        return HOOK_LIBS;
    if (site->stack == STACK_UNMAPPED)
        return HOOK_LAST_MUNMAP;
    if (relocates(m, site))
        return HOOK_RELOCATED;
    return makes_child(site->number) ? HOOK_CLONE : HOOK_SYSCALL;
}

/* What runs in place of the hooked system call where it takes the stack away that it stands on:
 * munmap and, without a stack, all up to the exit behind it. */
static void plan_last_munmap(struct plan *plan, const struct code *code,
                             const struct syscall_site *site, uint64_t end, uint64_t stub)
{
    struct emitter out;
    struct instruction i;
    emit_begin(&out, stub + STUB_TAIL, plan->tail, sizeof plan->tail);
    emit_bytes(&out, "\x48\x8d\xa4\x24\x88\0\0\0", 8); /* lea 136(%rsp), %rsp */
    for (uint64_t at = site->start; at < end; at = instruction_end(&i))
        if (!instruction_at(code, at, &i) || move_instruction(&out, &i) != MOVED) {
            plan->refusal = NOT_MOVABLE;
            return;
        }
    emit_bytes(&out, "\x0f\x0b", 2); /* ud2: an exit does not return */
    plan->tail_length = (unsigned)out.length;
    if (emit_failed(&out))
        plan->refusal = TOO_LONG;
}

static void plan_site(struct host *h, struct process *p, struct module *m, const struct code *code,
                      struct syscall_site *site, uint64_t end_of_exit, struct plans *plans)
{
    uint32_t number;
    struct code_area *area = area_near(p, site->address);
    struct hook *hook = area ? hook_new(h, p, &number) : NULL;
    struct plan *plan = hook ? plans_add(plans) : NULL;
    if (plan == NULL)
        return;
    uint64_t stub = stub_address(area, number);
    struct syscall_hooks hooks = {agent_address(h, area, AGENT_ANY),
                                  agent_address(h, area, AGENT_BEHIND), number};
    hook->kind = kind_of_site(m, site);
    bool last = hook->kind == HOOK_LAST_MUNMAP;
    hook->address = site->address;
    hook->module = m->id;
    uint64_t detail = hook->kind == HOOK_CLONE ? (uint64_t)site->number : site->address + 2;
    p->family->area->hook_kind[number] = hook->kind | detail << 8;
    /* of vfork parent and child stand on the same stack; what the loader's does is none of ours */
    if (site->number == SYS_vfork || hook->kind == HOOK_LIBS)
        hooks.after = 0;
    plan->number = number;
    plan->what = "a system call";
    site->stack = STACK_STAYS; /* the agent looks where the stack is */
    plan->refusal = syscall_detour(code, site, &hooks, stub, &plan->moved);
    if (plan->refusal == MOVED && plan->moved.length > (last ? STUB_TAIL : STUB_ORIGIN))
        plan->refusal = TOO_LONG;
    if (plan->refusal == MOVED && last)
        plan_last_munmap(plan, code, site, end_of_exit, stub);
}

/* A signal's restorer: it finds the signal's frame by the stack pointer, and unwinders know it by
 * its bytes: mov $15, %rax; or as musl has it, mov $15, %eax. Its unwind table begins a byte before
 * it, so that it is not always read as what it is. */
static bool is_restorer(const struct code *code, const struct syscall_site *site)
{
    uint64_t at = site->address - code->address;
    const uint8_t *bytes = code->bytes + at;
    return site->refusal == SIGNAL_RETURN ||
           (at >= 7 && memcmp(bytes - 7, "\x48\xc7\xc0\x0f\0\0", 7) == 0) ||
           (at >= 5 && memcmp(bytes - 5, "\xb8\x0f\0\0", 5) == 0);
}

static struct syscall_site site_at(const struct syscall_site *site, uint64_t bias)
{
    struct syscall_site moved = *site;
    moved.address += bias;
    moved.line += bias;
    moved.start += bias;
    return moved;
}

static void plan_sites(struct host *h, struct process *p, struct module *m, const struct text *text,
                       struct plans *plans)
{
    struct code code = text->code;
    code.address -= m->bias;
    const struct syscall_sites *sites = found_syscall_sites(m->found, &m->elf, &code);
    for (size_t i = 0; i < sites->count; i++) {
        struct syscall_site site = site_at(&sites->list[i], m->bias);
        uint64_t end = i + 1 < sites->count ? sites->list[i + 1].address + m->bias + 2 : 0;
        if (syscall_matters(site.number) && !is_restorer(&text->code, &site) &&
            site.refusal != CANCELLATION)
            plan_site(h, p, m, &text->code, &site, end, plans);
    }
}

/* ---- a whole file ---- */

static void tell_refused(struct host *h, const struct process *p, const struct module *m,
                         const struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        const struct plan *plan = &plans->list[i];
        uint64_t address = p->family->hooks[plan->number].address;
        if (plan->refusal == MOVED)
            continue;
        plan_refused(h, p, plan, address - m->bias, m->path);
    }
}

static void count_own(struct process *p, const struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        const struct hook *hook = &p->family->hooks[plans->list[i].number];
        if (hook->names > 0)
            p->own[strcmp(hook->as[0]->point, "free") == 0][plans->list[i].refusal == MOVED]++;
    }
}

const char *hooks_half_blind(const struct process *p)
{
    if (p->own[0][0] > 0 && p->own[0][1] == 0)
        return "no function of the program's own allocator that allocates has room for a jump";
    if (p->own[1][0] > 0 && p->own[1][1] == 0)
        return "no function of the program's own allocator that frees has room for a jump";
    return NULL;
}

/* libgcc's search for unwind tables, in libgcc_s or linked into a program. */
static void plan_find_fde(struct host *h, struct process *p, struct module *m,
                          const struct text *text, struct plans *plans)
{
    size_t before = plans->count;
    plan_named(h, p, m, text, "_Unwind_Find_FDE", HOOK_FDE, 0, plans);
    if (plans->count > before)
        plans->list[before].what = "the program's unwinder";
}

static void plant_part(struct host *h, struct process *p, struct module *m, const struct text *text)
{
    struct plans plans = {0};
    plan_calls(h, p, m, text, &plans);
    plan_regions(h, p, m, text, &plans);
    plan_sites(h, p, m, text, &plans);
    if (m->role == ROLE_LOADER)
        plan_named(h, p, m, text, "_dl_debug_state", HOOK_LIBS, 0, &plans);
    if (m->role == ROLE_LIBRARY || m->role == ROLE_LOADER) /* musl: both in one file */
        plan_named(h, p, m, text, "__libc_start_main", HOOK_START, 0, &plans);
    plan_named(h, p, m, text, "exit", HOOK_PHASE, AT_EXIT, &plans);
    plan_find_fde(h, p, m, text, &plans);
    h->planted += plans_carry_out(p, m, text, &plans);
    tell_refused(h, p, m, &plans);
    if (m->role == ROLE_EXECUTABLE)
        count_own(p, &plans);
    plans_free(&plans);
}

/* V8 maps a part of its own file once more: what it would say of the rest lies elsewhere. */
static bool is_inside(const struct module *m, uint64_t start, uint64_t size)
{
    return start >= m->start && start <= m->end && size <= m->end - start;
}

void hooks_plant(struct host *h, struct process *p, struct module *m)
{
    Elf64_Phdr segment;
    if (!m->has_elf || m->role == ROLE_VDSO)
        return;
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++) {
        struct text text = {0};
        uint64_t start = segment.p_vaddr + m->bias;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && segment.p_filesz < 1u << 30 &&
            is_inside(m, start, segment.p_filesz) &&
            text_read(p, m, start, segment.p_filesz, &text))
            plant_part(h, p, m, &text);
        text_free(&text);
    }
}
