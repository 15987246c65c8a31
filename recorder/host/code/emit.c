/* emit.c - writing machine code (emit.h). */
#include "emit.h"

#include <string.h>

void emit_begin(struct emitter *out, uint64_t address, uint8_t *bytes, size_t room)
{
    *out = (struct emitter){.address = address, .bytes = bytes, .room = room};
}

void emit_bytes(struct emitter *out, const void *bytes, size_t count)
{
    if (emit_failed(out))
        return;
    if (count > out->room - out->length) {
        out->full = true;
        return;
    }
    memcpy(out->bytes + out->length, bytes, count);
    out->length += count;
}

static void emit_byte(struct emitter *out, uint8_t byte)
{
    emit_bytes(out, &byte, 1);
}

void emit_u32(struct emitter *out, uint32_t value)
{
    emit_bytes(out, &value, sizeof value);
}

void emit_distance(struct emitter *out, uint64_t target, uint64_t next)
{
    int64_t distance = (int64_t)(target - next);
    if (distance != (int32_t)distance)
        out->far = true;
    emit_u32(out, (uint32_t)distance);
}

void emit_jump(struct emitter *out, uint64_t target)
{
    emit_byte(out, 0xE9);
    emit_distance(out, target, emit_here(out) + 4);
}

void emit_call(struct emitter *out, uint64_t target)
{
    emit_byte(out, 0xE8);
    emit_distance(out, target, emit_here(out) + 4);
}

void emit_branch(struct emitter *out, unsigned condition, uint64_t target)
{
    emit_byte(out, 0x0F);
    emit_byte(out, 0x80 | condition);
    emit_distance(out, target, emit_here(out) + 4);
}

/* push imm32 extends its sign; the upper half is then written over it. */
void emit_push(struct emitter *out, uint64_t value)
{
    static const uint8_t upper_half[] = {0xC7, 0x44, 0x24, 0x04}; /* movl $imm32, 4(%rsp) */
    emit_byte(out, 0x68);
    emit_u32(out, (uint32_t)value);
    emit_bytes(out, upper_half, sizeof upper_half);
    emit_u32(out, (uint32_t)(value >> 32));
}

void emit_hook_call(struct emitter *out, uint64_t thunk, uint32_t id)
{
    static const uint8_t down[] = {0x48, 0x8D, 0x64, 0x24, 0x80};        /* lea -128(%rsp) */
    static const uint8_t up[] = {0x48, 0x8D, 0xA4, 0x24, 0x88, 0, 0, 0}; /* lea 136(%rsp) */
    emit_bytes(out, down, sizeof down);
    emit_byte(out, 0x68);
    emit_u32(out, id);
    emit_call(out, thunk);
    emit_bytes(out, up, sizeof up);
}
