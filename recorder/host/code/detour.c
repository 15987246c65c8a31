/* detour.c - freeing the first bytes of a function (detour.h). */
#include "detour.h"

#include <string.h>

enum { ALIGNMENT = 16 }; /* of functions: padding up to it belongs to nobody else */

static uint64_t function_end(const struct function *f)
{
    size_t length = f->extent && f->extent < f->code.length ? f->extent : f->code.length;
    return f->code.address + length;
}

/* Behind the endbr64 at the entry, if there is one. */
static uint64_t patch_place(const struct code *code)
{
    static const uint8_t endbr64[] = {0xF3, 0x0F, 0x1E, 0xFA};
    bool marked =
        code->length >= sizeof endbr64 && memcmp(code->bytes, endbr64, sizeof endbr64) == 0;
    return code->address + (marked ? sizeof endbr64 : 0);
}

/* Whether a direct jump of the function leads to the inside of the bytes to be overwritten. */
struct detour_looked detour_look(const struct function *f, unsigned need)
{
    uint64_t end = function_end(f), patch = patch_place(&f->code);
    struct detour_looked looked = {MOVED, false};
    struct instruction i;
    for (uint64_t at = f->code.address; at < end; at = instruction_end(&i)) {
        if (!instruction_at(&f->code, at, &i)) {
            if (at < patch + need) /* else tables inside code: what can be read */
                looked.refusal = NOT_CODE;
            break;
        }
        if (!instruction_branches(&i))
            continue;
        if (i.target > patch && i.target < patch + need) {
            looked.refusal = BRANCHED_INTO;
            break;
        }
        looked.branched_to |= i.target == patch;
    }
    return looked;
}

/* Whether [at, end) is padding only, and nobody else's. */
static bool is_padding(const struct function *f, uint64_t at, uint64_t end)
{
    uint64_t edge = (function_end(f) + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
    struct instruction i;
    if (end > edge)
        return false;
    for (; at < end; at = instruction_end(&i)) {
        if (!instruction_at(&f->code, at, &i))
            return false;
        if (i.kind != PADDING && i.kind != STOP)
            return false;
    }
    return true;
}

static void remember_step(struct moved *out, uint64_t from, size_t to)
{
    out->steps[out->count++] = (struct moved_step){(uint8_t)(from - out->patch), (uint16_t)to};
}

/* Copies whole instructions until `need` bytes are free. */
static enum refusal copy_entry(const struct function *f, unsigned need, struct emitter *copy,
                               struct moved *out)
{
    uint64_t at = out->patch, end = function_end(f), enough = at + need;
    struct instruction i;
    while (at < enough) {
        if (at >= end || !instruction_at(&f->code, at, &i))
            return at >= end ? TOO_SHORT : NOT_CODE;
        remember_step(out, at, copy->length);
        enum refusal refusal = move_instruction(copy, &i);
        if (refusal != MOVED)
            return refusal;
        at = instruction_end(&i);
        out->calls = i.kind == CALL || i.kind == CALL_INDIRECT;
        if (out->calls && at < enough)
            return CALL_INSIDE;
        if (instruction_ends_line(&i))
            break;
    }
    out->displaced = (unsigned)((at < enough ? enough : at) - out->patch);
    if (at < enough && !is_padding(f, at, enough))
        return TOO_SHORT;
    if (!instruction_ends_line(&i)) {
        remember_step(out, at, copy->length);
        emit_jump(copy, at);
    }
    return emit_refusal(copy);
}

enum refusal detour_entry_looked(const struct function *function, unsigned need,
                                 struct detour_looked looked, uint64_t copy, struct moved *out)
{
    struct emitter emitter;
    if (need < SHORT_JUMP_BYTES || need > DETOUR_NEED_MAX)
        return TOO_LONG;
    memset(out, 0, sizeof *out);
    out->patch = patch_place(&function->code);
    out->copy = copy;
    out->branched_to = looked.branched_to;
    if (looked.refusal != MOVED)
        return looked.refusal;
    emit_begin(&emitter, copy, out->bytes, sizeof out->bytes);
    enum refusal refusal = copy_entry(function, need, &emitter, out);
    out->length = (unsigned)emitter.length;
    return refusal;
}

enum refusal detour_entry(const struct function *function, unsigned need, uint64_t copy,
                          struct moved *out)
{
    return detour_entry_looked(function, need, detour_look(function, need), copy, out);
}

bool detour_jump(const struct moved *moved, uint64_t detour, uint8_t bytes[JUMP_BYTES])
{
    struct emitter jump;
    emit_begin(&jump, moved->patch, bytes, JUMP_BYTES);
    emit_jump(&jump, detour);
    return !emit_failed(&jump);
}

uint64_t moved_into_copy(const struct moved *moved, uint64_t pc)
{
    for (unsigned n = 0; n < moved->count; n++)
        if (pc == moved->patch + moved->steps[n].from)
            return moved->copy + moved->steps[n].to;
    return 0;
}

uint64_t moved_from_copy(const struct moved *moved, uint64_t pc)
{
    uint64_t found = 0;
    if (pc < moved->copy || pc >= moved->copy + moved->length)
        return 0;
    for (unsigned n = 0; n < moved->count; n++)
        if (pc >= moved->copy + moved->steps[n].to)
            found = moved->patch + moved->steps[n].from;
    return found;
}
