/* plans.c - hooks worked out, checked, and written (plans.h). */
#include "plans.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>

#define SHORT_REACH 120

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

bool text_read(struct host *h, const struct module *m, uint64_t start, size_t size,
               struct text *text)
{
    uint8_t *bytes = malloc(size);
    *text = (struct text){.code = {start, bytes, 0}};
    if (bytes == NULL)
        return false;
    text->code.length = tracee_read_some(&h->process->tracee, start, bytes, size);
    text->functions = extents_of(m, &text->count);
    return text->code.length > 0 && text->functions != NULL;
}

void text_free(struct text *text)
{
    free((void *)text->code.bytes);
    free((void *)text->functions);
}

bool text_around(struct host *h, const struct module *m, uint64_t address, struct text *text)
{
    Elf64_Phdr segment;
    *text = (struct text){0};
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++) {
        uint64_t start = segment.p_vaddr + m->bias;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && address >= start &&
            address - start < segment.p_filesz)
            return text_read(h, m, start, segment.p_filesz, text);
    }
    return false;
}

bool function_at(const struct module *m, const struct text *text, uint64_t address,
                 uint64_t symbol_size, struct function *out)
{
    struct frames_range range;
    const struct code *code = &text->code;
    if (address < code->address || address - code->address >= code->length)
        return false;
    size_t at = address - code->address, left = code->length - at, extent = symbol_size;
    if (frames_extent(&m->frames, address - m->bias, &range))
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

static void plan_moving(struct host *h, struct plan *plan, const struct function *f, int how,
                        unsigned need)
{
    struct code_area *area = area_near(h, f->code.address);
    plan->refusal = TOO_FAR;
    if (area == NULL)
        return;
    uint64_t copy = plan_head(h, plan, area, how);
    if (plan->refusal == MOVED)
        plan->refusal = detour_entry(f, need, copy, &plan->moved);
    if (plan->refusal == MOVED && plan->moved.length > STUB_TAIL - STUB_MOVED)
        plan->refusal = TOO_LONG;
}

void plan_function(struct host *h, struct plan *plan, const struct function *f, int how)
{
    plan_moving(h, plan, f, how, JUMP_BYTES);
}

/* Five bytes between two functions that nothing runs into. */
static uint64_t find_padding(const struct module *m, const struct text *text, uint64_t near)
{
    const struct code *code = &text->code;
    uint64_t low = near - SHORT_REACH > code->address ? near - SHORT_REACH : code->address;
    uint64_t end = code->address + code->length;
    struct frames_range range;
    for (uint64_t at = low; at < near + SHORT_REACH && at + JUMP_BYTES <= end; at++) {
        unsigned n = 0;
        while (n < JUMP_BYTES && code->bytes[at - code->address + n] == 0xcc &&
               !frames_extent(&m->frames, at + n - m->bias, &range))
            n++;
        if (n == JUMP_BYTES)
            return at;
    }
    return 0;
}

void plan_hop(struct host *h, struct plan *plan, const struct module *m, const struct text *text,
              const struct function *f)
{
    plan_moving(h, plan, f, NOTICE, SHORT_JUMP_BYTES);
    if (plan->refusal == MOVED)
        plan->hop = find_padding(m, text, plan->moved.patch);
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

static struct range range_of(const struct plan *plan)
{
    if (plan->hop)
        return (struct range){plan->moved.patch + 1, plan->moved.patch + SHORT_JUMP_BYTES, false};
    return moved_range(&plan->moved);
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

static void refuse_branched_into(const struct text *text, struct plans *plans)
{
    struct range *ranges = calloc(plans->count + 1, sizeof *ranges);
    size_t count = 0;
    if (ranges == NULL)
        return;
    for (size_t i = 0; i < plans->count; i++)
        if (plans->list[i].refusal == MOVED)
            ranges[count++] = range_of(&plans->list[i]);
    qsort(ranges, count, sizeof *ranges, by_low);
    find_branches_into(&text->code, ranges, count);
    for (size_t i = 0; i < plans->count; i++)
        for (size_t k = 0; k < count; k++)
            if (ranges[k].branched_into && ranges[k].low == plans->list[i].moved.patch + 1)
                plans->list[i].refusal = BRANCHED_INTO;
    free(ranges);
}

size_t plans_carry_out(struct host *h, const struct text *text, struct plans *plans)
{
    size_t done = 0;
    refuse_overlapping(plans);
    refuse_branched_into(text, plans);
    for (size_t i = 0; i < plans->count; i++) {
        struct plan *plan = &plans->list[i];
        if (plan->refusal == MOVED)
            plan->refusal = h->deferred ? plan_defer(h, plan) : plan_write(h, plan);
        done += plan->refusal == MOVED;
    }
    return done;
}
