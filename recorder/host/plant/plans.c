/* plans.c - hooks worked out, checked, and written (plans.h). */
#include "plans.h"
#include "base/grow.h"
#include "area/areas.h"
#include "modules/modules.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_REACH 120

struct hook *hook_new(struct host *h, const struct process *p, uint32_t *number)
{
    if (p->family->hook_count == MAX_HOOKS) {
        h->refused++;
        return NULL;
    }
    *number = p->family->hook_count;
    struct hook *hook = &p->family->hooks[p->family->hook_count++];
    *hook = (struct hook){0};
    return hook;
}

struct plan *plans_add(struct plans *plans)
{
    struct plan *list =
        with_room_for_one(plans->list, plans->count, &plans->room, 16, sizeof *list);
    if (list == NULL)
        return NULL;
    plans->list = list;
    return memset(&plans->list[plans->count++], 0, sizeof(struct plan));
}

void plans_free(struct plans *plans)
{
    free(plans->list);
}

/* ---- code, as it was ---- */

bool text_read(const struct process *p, const struct module *m, uint64_t start, size_t size,
               struct text *text)
{
    struct elf_bytes held = elf_stored(&m->elf, start - m->bias);
    *text = (struct text){.code = {start, held.at, held.size < size ? held.size : size}};
    if (!m->has_own_code)
        return held.size > 0;
    text->code.bytes = text->copy = malloc(size);
    if (text->copy != NULL)
        text->code.length = tracee_read_some(&p->tracee, start, text->copy, size);
    return text->copy != NULL && text->code.length > 0;
}

void text_free(struct text *text)
{
    free(text->copy);
}

bool text_around(const struct process *p, const struct module *m, uint64_t address,
                 struct text *text)
{
    Elf64_Phdr segment;
    *text = (struct text){0};
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++) {
        uint64_t start = segment.p_vaddr + m->bias;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && address >= start &&
            address - start < segment.p_filesz)
            return text_read(p, m, start, segment.p_filesz, text);
    }
    return false;
}

bool function_at(const struct module *m, const struct text *text, uint64_t address,
                 uint64_t symbol_size, struct function *out)
{
    struct rows_range range;
    const struct code *code = &text->code;
    if (address < code->address || address - code->address >= code->length)
        return false;
    size_t at = address - code->address, left = code->length - at, extent = symbol_size;
    if (rows_extent(&m->found->unwind, address - m->bias, &range))
        extent = range.high - (address - m->bias);
    size_t length = extent == 0 ? 512 : extent + 64;
    *out = (struct function){{address, code->bytes + at, length < left ? length : left},
                             extent <= left ? extent : 0};
    return true;
}

/* ---- planning ---- */

static uint64_t plan_head(struct host *h, struct plan *plan, struct code_area *area, int how)
{
    uint64_t stub = stub_address(area, plan->number);
    struct emitter out;
    emit_begin(&out, stub, plan->head, sizeof plan->head);
    if (how == WRAP) {
        emit_push(&out, plan->number);
        emit_jump(&out, agent_address(h, area, AGENT_ENTRY));
    } else {
        emit_hook_call(&out, agent_address(h, area, AGENT_ANY), plan->number);
    }
    plan->refusal = emit_refusal(&out);
    plan->head_length = (unsigned)out.length;
    return how == WRAP ? stub + STUB_MOVED : emit_here(&out);
}

/* From the first process of this run on that has it; but not where memory has other bytes. */
static struct detour_looked look(const struct process *p, const struct function *f, unsigned need)
{
    const struct module *m = module_around(p, f->code.address);
    if (m == NULL || m->found == NULL || m->has_own_code)
        return detour_look(f, need);
    return found_entry(m->found, f->code.address - m->bias, f, need);
}

static void plan_moving(struct host *h, struct process *p, struct plan *plan,
                        const struct function *f, int how, unsigned need)
{
    struct code_area *area = area_near(p, f->code.address);
    plan->refusal = TOO_FAR;
    if (area == NULL)
        return;
    uint64_t copy = plan_head(h, plan, area, how);
    if (plan->refusal == MOVED)
        plan->refusal = detour_entry_looked(f, need, look(p, f, need), copy, &plan->moved);
    if (plan->refusal == MOVED && plan->moved.length > STUB_TAIL - STUB_MOVED)
        plan->refusal = TOO_LONG;
}

void plan_function(struct host *h, struct process *p, struct plan *plan, const struct function *f,
                   int how)
{
    plan_moving(h, p, plan, f, how, JUMP_BYTES);
}

/* Five bytes between two functions that nothing runs into. */
static uint64_t find_padding(const struct process *p, const struct module *m,
                             const struct text *text, uint64_t near)
{
    uint8_t there[JUMP_BYTES];
    const struct code *code = &text->code;
    uint64_t low = near - SHORT_REACH > code->address ? near - SHORT_REACH : code->address;
    uint64_t end = code->address + code->length;
    struct rows_range range;
    for (uint64_t at = low; at < near + SHORT_REACH && at + JUMP_BYTES <= end; at++) {
        unsigned n = 0;
        if (at < near + SHORT_JUMP_BYTES && at + JUMP_BYTES > near)
            continue; /* the short jump itself goes there */
        while (n < JUMP_BYTES && code->bytes[at - code->address + n] == 0xcc &&
               !rows_extent(&m->found->unwind, at + n - m->bias, &range))
            n++;
        /* another hook's jump may lie in it, which goes when that is undone */
        if (n == JUMP_BYTES && tracee_read(&p->tracee, at, there, sizeof there) &&
            memcmp(there, code->bytes + (at - code->address), sizeof there) == 0)
            return at;
    }
    return 0;
}

void plan_hop(struct host *h, struct process *p, struct plan *plan, const struct module *m,
              const struct text *text, const struct function *f)
{
    plan_moving(h, p, plan, f, NOTICE, SHORT_JUMP_BYTES);
    if (plan->refusal == MOVED)
        plan->hop = find_padding(p, m, text, plan->moved.patch);
    if (plan->hop == 0)
        plan->refusal = TOO_SHORT;
}

/* ---- checking ---- */

struct checked {
    struct range range;
    struct plan *plan;
};

static int by_low(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

static struct range range_of(const struct plan *plan, uint64_t bias)
{
    struct range range = moved_range(&plan->moved);
    if (plan->hop)
        range.high = plan->moved.patch + SHORT_JUMP_BYTES;
    return (struct range){range.low - bias, range.high - bias, false};
}

/* Two hooks of one place: the second is refused. */
static void refuse_overlapping(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        for (size_t k = 0; k < i; k++) {
            struct plan *a = &plans->list[i], *b = &plans->list[k];
            uint64_t distance = a->moved.patch - b->moved.patch + JUMP_BYTES - 1;
            if (a->refusal == MOVED && b->refusal == MOVED && distance < 2 * JUMP_BYTES - 1)
                a->refusal = BRANCHED_INTO;
        }
}

static void refuse_branched_into(const struct module *m, const struct text *text,
                                 struct plans *plans)
{
    struct code code = text->code;
    code.address -= m->bias;
    struct range *ranges = calloc(plans->count + 1, sizeof *ranges);
    size_t count = 0;
    if (ranges == NULL)
        return;
    for (size_t i = 0; i < plans->count; i++)
        if (plans->list[i].refusal == MOVED)
            ranges[count++] = range_of(&plans->list[i], m->bias);
    qsort(ranges, count, sizeof *ranges, by_low);
    found_branches(m->found, &code, ranges, count);
    for (size_t i = 0; i < plans->count; i++)
        for (size_t k = 0; k < count; k++)
            if (ranges[k].branched_into &&
                ranges[k].low + m->bias == plans->list[i].moved.patch + 1)
                plans->list[i].refusal = BRANCHED_INTO;
    free(ranges);
}

static void look_at_place(const struct text *text, struct plan *plan)
{
    uint64_t at = plan->moved.patch - text->code.address;
    if (plan->refusal == MOVED && at < text->code.length &&
        text->code.length - at >= sizeof plan->seen)
        memcpy(plan->seen, text->code.bytes + at, sizeof plan->seen);
}

static void defer(const struct process *p, struct plan *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct plan *later = list[i].refusal == MOVED ? plans_add(p->deferred) : NULL;
        if (later != NULL)
            *later = list[i];
        else if (list[i].refusal == MOVED)
            list[i].refusal = TOO_LONG;
    }
}

size_t plans_carry_out(struct process *p, const struct module *m, const struct text *text,
                       struct plans *plans)
{
    size_t done = 0;
    refuse_overlapping(plans);
    refuse_branched_into(m, text, plans);
    for (size_t i = 0; i < plans->count; i++)
        look_at_place(text, &plans->list[i]);
    if (p->deferred)
        defer(p, plans->list, plans->count);
    else
        plans_put(p, plans->list, plans->count);
    for (size_t i = 0; i < plans->count; i++)
        done += plans->list[i].refusal == MOVED;
    return done;
}
