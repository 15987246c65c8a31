/* phases.c - where the phases begin: load, init, main, exit. */
#include "host.h"
#include "area/areas.h"
#include "modules/modules.h"
#include "phases.h"
#include "plant/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const phase_names[PHASES] = PHASE_NAMES;

/* An entry of an initialisers' array that leads through a stub of ours, and what it was. */
struct armed {
    uint64_t slot, original;
};
#define MAX_ARMED 4096
#define RETURNS_TRIED 4

/* From its first initialiser on a program that has a loader has a thread pointer as the ABI wants it; a
 * static one has it in main, where it has thread-local variables, as libc does. */
static void know_thread_pointer(const struct process *p)
{
    const struct module *program = phase_program(p);
    Elf64_Phdr segment;
    bool has = p->base != 0 && p->phase >= PHASE_INIT;
    if (!has && p->phase >= PHASE_MAIN && p->main != 0 && program != NULL && program->has_elf)
        for (unsigned i = 0; elf_segment(&program->elf, i, &segment); i++)
            has |= segment.p_type == PT_TLS;
    if (has && p->family->area->thread_by == THREAD_BY_ASKING)
        p->family->area->thread_by = THREAD_BY_WORD;
}

/* A child that runs its parent's program has no phases of its own to tell of: its phase goes on. */
static void cross_with(struct host *h, struct process *p, enum phase phase, uint64_t t_ns,
                       const char *how, const struct maps *known)
{
    if (phase <= p->phase)
        return;
    p->phase = phase;
    know_thread_pointer(p);
    json_begin(&h->json, "phase");
    json_text(&h->json, "phase", phase_names[phase - PHASE_LOAD]);
    json_number(&h->json, "t_ns", t_ns);
    json_text(&h->json, "how", how);
    json_number(&h->json, "image", p->image);
    uint64_t brk = phase_state(p, &h->json, known);
    if (p->has_begun_image)
        spool_json(&h->spool, &h->json);
    history_phase(h->history, pid_of(p), phase - PHASE_LOAD, brk);
}

static void cross(struct host *h, struct process *p, enum phase phase, uint64_t t_ns,
                  const char *how)
{
    cross_with(h, p, phase, t_ns, how, NULL);
}

/* ---- load and start ---- */

void phases_begin(struct host *h, struct process *p, const struct maps *known)
{
    p->phase = PHASE_NONE;
    p->main = p->user_main = 0;
    p->main_node = 0;
    p->armed_count = 0;
    uint64_t now = clock_now_ns(); /* it is let go next */
    struct module *program = phase_program(p);
    if (p->base != 0 || (program != NULL && program->role == ROLE_LOADER)) {
        cross_with(h, p, PHASE_LOAD, now, BEGAN_LOADER, known);
        return;
    }
    if (program != NULL)
        phase_know_main(h, p, program, 0);
    if (p->main == 0) {
        cross(h, p, PHASE_MAIN, now, BEGAN_NO_LIBC);
        return;
    }
    cross(h, p, PHASE_INIT, now, BEGAN_NO_LOADER);
    hook_phase(h, p, p->user_main ? p->user_main : p->main, AT_MAIN);
}

void phases_attached(struct host *h, struct process *p)
{
    struct module *program = phase_program(p);
    p->phase = PHASE_NONE;
    if (program != NULL)
        phase_know_main(h, p, program, 0);
    cross(h, p, PHASE_MAIN, h->last_ns, BEGAN_ATTACHED);
}

uint64_t phase_start(struct host *h, struct process *p, uint64_t main, uint32_t hook)
{
    struct module *program = module_around(p, main);
    hook_undo(p, hook);
    if (p->phase == PHASE_LOAD)
        cross(h, p, PHASE_INIT, h->last_ns, BEGAN_NO_INITIALISER);
    if (program == NULL || !program->has_elf || p->main != 0)
        return 0;
    phase_know_main(h, p, program, main);
    if (p->user_main && area_near(p, p->user_main) != NULL) {
        hook_phase(h, p, p->user_main, AT_MAIN);
        return 0;
    }
    p->user_main = 0;
    return hook_stub_to(h, p, &p->areas[0], main, AT_MAIN);
}

/* ---- the first initialiser ---- */

static bool is_armed(const struct process *p, uint64_t slot)
{
    for (size_t i = 0; i < p->armed_count; i++)
        if (p->armed[i].slot == slot)
            return true;
    return false;
}

static void arm(struct host *h, struct process *p, struct module *m, uint64_t slot)
{
    struct code_area *area = &p->areas[0];
    uint64_t original;
    if (p->armed == NULL && (p->armed = calloc(MAX_ARMED, sizeof *p->armed)) == NULL)
        return;
    if (p->armed_count == MAX_ARMED || !tracee_read(&p->tracee, slot, &original, sizeof original) ||
        original < m->start || original >= m->end)
        return; /* not relocated yet, or empty */
    uint64_t stub = hook_stub_to(h, p, area, original, AT_INIT | m->id << 8);
    must(!is_armed(p, slot),
         "what stands in an initialisers' array is kept once, before it is ours");
    if (stub != 0 && tracee_write(&p->tracee, slot, &stub, sizeof stub))
        p->armed[p->armed_count++] = (struct armed){slot, original};
}

static void arm_array(struct host *h, struct process *p, struct module *m, int64_t tag,
                      int64_t size_tag)
{
    uint64_t at, size;
    if (elf_dynamic(&m->elf, tag, &at) && elf_dynamic(&m->elf, size_tag, &size) && size >= 8 &&
        !is_armed(p, at + m->bias))
        arm(h, p, m, at + m->bias);
}

/* When the loader says that its list is complete: arrays are relocated, and nothing of them ran. */
void phases_watch(struct host *h, struct process *p, struct module *m)
{
    uint64_t init;
    if (p->phase != PHASE_LOAD || !m->has_elf || m->role == ROLE_LOADER || m->role == ROLE_VDSO)
        return;
    arm_array(h, p, m, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ);
    arm_array(h, p, m, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
    if (elf_dynamic(&m->elf, DT_INIT, &init) && !m->init_hooked && area_near(p, init + m->bias)) {
        m->init_hooked = true;
        hook_phase(h, p, init + m->bias, AT_INIT | m->id << 8);
    }
}

/* What tells of a phase that has begun need not ask any more. */
static void undo_all(struct process *p, enum phase_at at)
{
    for (uint32_t i = 0; i < p->family->hook_count; i++)
        if (p->family->hooks[i].kind == HOOK_PHASE && p->family->hooks[i].patch != 0 &&
            (p->family->area->hook_kind[i] >> 8 & 0xff) == at)
            hook_undo(p, i);
}

static void first_initialiser(struct host *h, struct process *p, uint32_t id, uint64_t t_ns)
{
    char how[300];
    const char *name = "";
    for (size_t i = 0; i < p->module_count; i++)
        if (p->modules[i]->id == id)
            name = p->modules[i]->path;
    const char *slash = strrchr(name, '/');
    snprintf(how, sizeof how, BEGAN_INITIALISER, slash ? slash + 1 : name);
    cross(h, p, PHASE_INIT, t_ns, how);
    for (size_t i = 0; i < p->armed_count; i++)
        tracee_write(&p->tracee, p->armed[i].slot, &p->armed[i].original, 8);
    p->armed_count = 0;
    undo_all(p, AT_INIT);
}

/* ---- reached ---- */

/* Where main returns to a detour finds no room in every program; then where that one returns to: it
 * allocates nothing in between. */
static void watch_return(struct host *h, struct process *p, uint32_t node)
{
    p->after_main = NO_HOOK;
    p->watch_stacks = false;
    p->main_node = node & STACK_CUT ? 0 : node;
    for (int i = 0; i < RETURNS_TRIED && node != 0 && !(node & STACK_CUT); i++) {
        const struct stack_node *n = &h->stacks.nodes[node];
        p->after_main = hook_phase(h, p, n->pc, AT_AFTER_MAIN);
        p->after_main_sp = n->slot + 8;
        if (p->after_main != NO_HOOK)
            return;
        node = n->parent;
    }
    p->watch_stacks = p->main_node != 0;
}

static bool is_outside(const struct stacks *stacks, uint32_t node, uint32_t main_node)
{
    for (uint32_t at = main_node; at != 0 && !(at & STACK_CUT); at = stacks->nodes[at].parent)
        if (at == node)
            return at != main_node;
    return false;
}

/* Without a detour: a stack that begins as main's did, and does not go through it, proves that main
 * has returned. */
void phase_by_stack(struct host *h, struct process *p, uint32_t node, uint64_t t_ns)
{
    if (p->phase != PHASE_MAIN)
        return;
    for (; node != 0 && !(node & STACK_CUT); node = h->stacks.nodes[node].parent) {
        if (node == p->main_node)
            return;
        if (is_outside(&h->stacks, node, p->main_node)) {
            cross(h, p, PHASE_EXIT, t_ns, BEGAN_RETURNED);
            return;
        }
    }
}

static void main_begins(struct host *h, struct process *p, const struct reached *reached)
{
    if (p->phase >= PHASE_MAIN)
        return;
    cross(h, p, PHASE_MAIN, reached->t_ns, p->user_main ? BEGAN_RUST_MAIN : BEGAN_MAIN);
    watch_return(h, p, reached->node);
}

/* A phase begins once. Its code is put back: it may have held a call, whose bytes prove the
 * stacks of what was called. */
void phase_reached(struct host *h, struct process *p, const struct reached *reached)
{
    switch ((enum phase_at)(reached->what & 0xff)) {
    case AT_INIT:
        if (p->phase == PHASE_LOAD)
            first_initialiser(h, p, (uint32_t)(reached->what >> 8), reached->t_ns);
        break;
    case AT_MAIN:
        main_begins(h, p, reached);
        break;
    case AT_AFTER_MAIN:
        if (reached->sp != p->after_main_sp)
            return;
        cross(h, p, PHASE_EXIT, reached->t_ns, BEGAN_RETURNED);
        undo_all(p, AT_EXIT);
        break;
    case AT_EXIT:
        cross(h, p, PHASE_EXIT, reached->t_ns, BEGAN_EXIT);
        break;
    }
    hook_undo(p, reached->hook);
}

void phase_exit(struct host *h, struct process *p, uint64_t t_ns, bool whole)
{
    char how[64];
    snprintf(how, sizeof how, BEGAN_SYSCALL, whole ? "exit_group" : "exit");
    cross(h, p, PHASE_EXIT, t_ns, how);
}
