/* instruction.c - what Zydis says of an instruction, in the words of instruction.h. */
#include "instruction.h"

#include <Zydis/Zydis.h>
#include <string.h>

static const ZydisDecoder *decoder(void)
{
    static ZydisDecoder made;
    static bool ready;
    if (!ready) {
        ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        ZydisDecoderEnableMode(&made, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_FALSE);
        ready = true;
    }
    return &made;
}

static bool is_endbr64(const struct instruction *i)
{
    return i->length == 4 && memcmp(i->bytes, "\xf3\x0f\x1e\xfa", 4) == 0;
}

/* The kind of a direct jump or call; only those with 8 or 32 bits are understood. */
static enum kind relative_kind(const ZydisDecodedInstruction *z)
{
    if (z->operand_width == 16 && z->raw.imm[0].size == 16)
        return OTHER_RELATIVE;
    if (z->mnemonic == ZYDIS_MNEMONIC_XBEGIN)
        return OTHER_RELATIVE;
    if (z->meta.category == ZYDIS_CATEGORY_CALL)
        return CALL;
    if (z->meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        return JUMP;
    if (z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && z->opcode >= 0xE0 && z->opcode <= 0xE3)
        return LOOP;
    return z->meta.category == ZYDIS_CATEGORY_COND_BR ? BRANCH : OTHER_RELATIVE;
}

static enum kind absolute_kind(const ZydisDecodedInstruction *z)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_CALL:
        return CALL_INDIRECT;
    case ZYDIS_CATEGORY_UNCOND_BR:
        return JUMP_INDIRECT;
    case ZYDIS_CATEGORY_RET:
        return RETURN;
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
        return PADDING;
    default:
        break;
    }
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_SYSCALL:
        return SYSCALL;
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_HLT:
        return STOP;
    default:
        return PLAIN;
    }
}

static void describe_relative(const ZydisDecodedInstruction *z, struct instruction *out)
{
    out->kind = relative_kind(z);
    out->condition = z->opcode & 15;
    out->target = instruction_end(out) + (uint64_t)z->raw.imm[0].value.s;
}

static void describe_absolute(const ZydisDecodedInstruction *z, struct instruction *out)
{
    out->kind = is_endbr64(out) ? PADDING : absolute_kind(z);
    if (!(z->attributes & ZYDIS_ATTRIB_HAS_MODRM))
        return;
    out->modrm = z->raw.modrm.offset;
    if (z->raw.modrm.mod != 0 || z->raw.modrm.rm != 5)
        return;
    out->displacement = z->raw.disp.offset;
    out->target = instruction_end(out) + (uint64_t)z->raw.disp.value;
    if (z->address_width != 64)
        out->kind = OTHER_RELATIVE;
}

bool instruction_at(const struct code *code, uint64_t address, struct instruction *out)
{
    ZydisDecodedInstruction z;
    if (address < code->address || address - code->address >= code->length)
        return false;
    size_t offset = address - code->address;
    const uint8_t *bytes = code->bytes + offset;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeInstruction(decoder(), ZYAN_NULL, bytes, code->length - offset, &z)))
        return false;
    *out = (struct instruction){.address = address, .bytes = bytes, .length = z.length};
    if (z.attributes & ZYDIS_ATTRIB_IS_RELATIVE && z.raw.imm[0].is_relative)
        describe_relative(&z, out);
    else
        describe_absolute(&z, out);
    return true;
}
