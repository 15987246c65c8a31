/* syscall_detour.c - a detour around one `syscall` instruction (syscall_detour.h). */
#include "syscall_detour.h"

#include <string.h>

/* The hooks that its stack allows. */
static struct syscall_hooks allowed(const struct syscall_site *site,
                                    const struct syscall_hooks *hooks)
{
    struct syscall_hooks those = *hooks;
    if (site->stack != STACK_STAYS)
        those.after = 0;
    if (site->stack == STACK_NONE)
        those.before = 0;
    return those;
}

static void remember_step(struct moved *out, uint64_t from, size_t to)
{
    out->steps[out->count++] = (struct moved_step){(uint8_t)(from - out->patch), (uint16_t)to};
}

static enum refusal move_with_hooks(struct emitter *copy, const struct instruction *i,
                                    const struct syscall_hooks *hooks, struct moved *out)
{
    remember_step(out, i->address, copy->length);
    if (hooks->before)
        emit_hook_call(copy, hooks->before, hooks->id);
    enum refusal refusal = move_instruction(copy, i);
    if (hooks->after) {
        remember_step(out, instruction_end(i), copy->length);
        emit_hook_call(copy, hooks->after, hooks->id);
    }
    return refusal;
}

static enum refusal copy_run(const struct code *code, const struct syscall_site *site,
                             const struct syscall_hooks *hooks, struct emitter *copy,
                             struct moved *out)
{
    uint64_t at = site->start, end = at + site->length;
    struct instruction i = {0};
    while (at < end) {
        if (out->count + 3 > DETOUR_STEPS_MAX)
            return TOO_LONG;
        if (!instruction_at(code, at, &i))
            return NOT_CODE;
        enum refusal refusal;
        if (at == site->address) {
            refusal = move_with_hooks(copy, &i, hooks, out);
        } else {
            remember_step(out, at, copy->length);
            refusal = move_instruction(copy, &i);
        }
        if (refusal != MOVED)
            return refusal;
        at = instruction_end(&i);
    }
    if (!instruction_ends_line(&i)) {
        remember_step(out, at, copy->length);
        emit_jump(copy, at);
    }
    return emit_refusal(copy);
}

enum refusal syscall_detour(const struct code *code, const struct syscall_site *site,
                            const struct syscall_hooks *hooks, uint64_t place, struct moved *out)
{
    struct emitter copy;
    struct syscall_hooks those = allowed(site, hooks);
    if (site->refusal != MOVED)
        return site->refusal;
    memset(out, 0, sizeof *out);
    out->patch = site->start;
    out->displaced = site->length;
    out->copy = place;
    emit_begin(&copy, place, out->bytes, sizeof out->bytes);
    enum refusal refusal = copy_run(code, site, &those, &copy, out);
    out->length = (unsigned)copy.length;
    return refusal;
}
