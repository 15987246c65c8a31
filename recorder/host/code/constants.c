/* constants.c - what the general registers hold (constants.h). */
#include "constants.h"

#include <Zydis/Zydis.h>

static const struct held unknown = {UNKNOWN, 0};

void registers_at_start(struct registers *registers)
{
    for (unsigned n = 0; n < REGISTERS; n++)
        registers->in[n] = (struct held){INCOMING, n};
    registers->pushed = unknown;
}

/* The number of the general register that `r` is, or a part of; -1: none. */
static int number_of(ZydisRegister r)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
        return -1;
    return whole - ZYDIS_REGISTER_RAX;
}

static struct held shortened(struct held held, unsigned bits)
{
    if (bits == 32 && held.what == CONSTANT)
        held.value = (uint32_t)held.value;
    return held;
}

/* A 32-bit copy of a register still counts as what came in: a number of a call is no larger. */
static struct held source(const struct registers *registers, const ZydisDecodedOperand *operand)
{
    if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return (struct held){CONSTANT, operand->imm.value.u};
    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || operand->size < 32)
        return unknown;
    int n = number_of(operand->reg.value);
    return n < 0 ? unknown : registers->in[n];
}

static struct held address_of(const struct registers *registers, const ZydisDecodedOperand *operand)
{
    int base = number_of(operand->mem.base);
    if (base < 0 || operand->mem.index != ZYDIS_REGISTER_NONE)
        return unknown;
    if (registers->in[base].what != CONSTANT)
        return unknown;
    uint64_t value = registers->in[base].value + (uint64_t)operand->mem.disp.value;
    return (struct held){CONSTANT, value};
}

static bool same_register(const ZydisDecodedOperand *operands)
{
    return operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[0].reg.value == operands[1].reg.value;
}

/* What the instruction puts into its first operand. */
static struct held result(const struct registers *registers, const ZydisDecodedInstruction *z,
                          const ZydisDecodedOperand *operands)
{
    if (z->operand_count == 0 || operands[0].size < 32)
        return unknown;
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return shortened(source(registers, &operands[1]), operands[0].size);
    case ZYDIS_MNEMONIC_LEA:
        return shortened(address_of(registers, &operands[1]), operands[0].size);
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_SUB:
        return same_register(operands) ? (struct held){CONSTANT, 0} : unknown;
    case ZYDIS_MNEMONIC_POP:
        return registers->pushed;
    default:
        return unknown;
    }
}

static bool writes(const ZydisDecodedOperand *operand)
{
    return operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

/* What was pushed stays on top until something else may have changed it. */
static struct held on_top(const struct registers *registers, const ZydisDecodedInstruction *z,
                          const ZydisDecodedOperand *operands)
{
    if (z->mnemonic == ZYDIS_MNEMONIC_PUSH)
        return source(registers, &operands[0]);
    for (unsigned n = 0; n < z->operand_count; n++) {
        const ZydisDecodedOperand *operand = &operands[n];
        if (writes(operand) && operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            return unknown;
        if (writes(operand) && operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            number_of(operand->reg.value) == RSP)
            return unknown;
    }
    return registers->pushed;
}

static void forget_called(struct registers *registers)
{
    static const uint8_t scratch[] = {RAX, RCX, RDX, RSI, RDI, 8, 9, 10, 11};
    for (unsigned n = 0; n < sizeof scratch; n++)
        registers->in[scratch[n]] = unknown;
    registers->pushed = unknown;
}

static const ZydisDecoder *decoder(void)
{
    static ZydisDecoder made;
    static bool ready;
    if (!ready)
        ready =
            ZYAN_SUCCESS(ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
    return &made;
}

void registers_follow(struct registers *registers, const struct instruction *i)
{
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (i->kind == CALL || i->kind == CALL_INDIRECT) {
        forget_called(registers);
        return;
    }
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder(), i->bytes, i->length, &z, operands))) {
        *registers = (struct registers){0};
        return;
    }
    struct held first = result(registers, &z, operands), top = on_top(registers, &z, operands);
    for (unsigned n = 0; n < z.operand_count; n++) {
        int number = operands[n].type == ZYDIS_OPERAND_TYPE_REGISTER && writes(&operands[n])
                         ? number_of(operands[n].reg.value)
                         : -1;
        if (number >= 0)
            registers->in[number] = n == 0 ? first : unknown;
    }
    registers->pushed = top;
}
