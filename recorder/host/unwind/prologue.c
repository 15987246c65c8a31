/* unwind/prologue.c - rows of a function without an unwind table, from its first instructions.
 *
 * The pushes and subtractions before the first branch or call tell how far up the return address
 * lies in the rest of the function, as in the breakpoint engine's prologues.py. What comes of it
 * counts only if a call instruction stands before that address.
 */
#include "index.h"

#include <Zydis/Zydis.h>
#include <string.h>

#define MAX_BYTES 4096 /* of a function that are taken to follow its first instructions */

struct prologue {
    struct frames *frames;
    uint64_t vaddr;
    int64_t size;   /* bytes between the stack pointer and the return address */
    int64_t bp, bx; /* words from the CFA to where they were pushed, or UNWIND_SAME */
    bool pushed_bp_first, has_frame; /* `push %rbp; mov %rsp, %rbp` begin it */
    unsigned instructions;
};

static bool touches_sp(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *first)
{
    return instruction->operand_count_visible && first->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           first->reg.value == ZYDIS_REGISTER_RSP &&
           first->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static bool is_frame_move(const ZydisDecodedInstruction *instruction,
                          const ZydisDecodedOperand *operands)
{
    return instruction->mnemonic == ZYDIS_MNEMONIC_MOV &&
           operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[0].reg.value == ZYDIS_REGISTER_RBP &&
           operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[1].reg.value == ZYDIS_REGISTER_RSP;
}

static bool is_end(const ZydisDecodedInstruction *instruction)
{
    switch (instruction->meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_RET:
        return true;
    default:
        return false;
    }
}

/* A debugger without a table knows a frame pointer, or looks where rsp is, or behind one rbp. */
static bool differs_from_guess(const struct prologue *prologue)
{
    return !prologue->has_frame && prologue->size != (prologue->pushed_bp_first ? 8 : 0);
}

static void add_row(const struct prologue *prologue)
{
    uint64_t what = prologue->has_frame ? frames_what(UNWIND_BP, 2, -2, prologue->bx)
                                        : frames_what(UNWIND_SP, prologue->size / 8 + 1,
                                                      prologue->bp, prologue->bx);
    what |= UNWIND_SYNTHETIC | (differs_from_guess(prologue) ? UNWIND_GUESSED : 0);
    frames_add(prologue->frames, prologue->vaddr, what);
}

static void push(struct prologue *prologue, const ZydisDecodedOperand *operand)
{
    prologue->size += 8;
    int64_t words = -(prologue->size / 8) - 1;
    if (words < -UNWIND_WORDS_MAX) /* a row has no room for it */
        words = UNWIND_GONE;
    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return;
    if (operand->reg.value == ZYDIS_REGISTER_RBP && prologue->bp == UNWIND_SAME) {
        prologue->bp = words;
        prologue->pushed_bp_first = prologue->instructions == 0;
    }
    if (operand->reg.value == ZYDIS_REGISTER_RBX && prologue->bx == UNWIND_SAME)
        prologue->bx = words;
}

/* Follow one instruction. False: the prologue is over, or cannot be read. */
static bool follow(struct prologue *prologue, const ZydisDecodedInstruction *instruction,
                   const ZydisDecodedOperand *operands)
{
    bool is_sub = instruction->mnemonic == ZYDIS_MNEMONIC_SUB && touches_sp(instruction, operands);
    if (is_end(instruction))
        return false;
    if (instruction->mnemonic == ZYDIS_MNEMONIC_PUSH) {
        push(prologue, operands);
    } else if (is_sub && operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        prologue->size += operands[1].imm.value.s;
    } else if (is_frame_move(instruction, operands)) {
        prologue->has_frame = prologue->pushed_bp_first && prologue->instructions == 1;
    } else if (touches_sp(instruction, operands) || instruction->mnemonic == ZYDIS_MNEMONIC_POP ||
               instruction->mnemonic == ZYDIS_MNEMONIC_LEAVE ||
               instruction->mnemonic == ZYDIS_MNEMONIC_ENTER) {
        prologue->size = -1;
    }
    if (instruction->mnemonic != ZYDIS_MNEMONIC_ENDBR64)
        prologue->instructions++;
    bool is_known = prologue->size >= 0 && prologue->size % 8 == 0;
    return prologue->has_frame || (is_known && prologue->size / 8 + 1 < UNWIND_CFA_MAX);
}

void frames_run_prologue(struct frames *frames, const struct elf *elf, struct frames_range range)
{
    struct elf_bytes code = elf_stored(elf, range.low);
    struct prologue prologue = {.frames = frames, .vaddr = range.low};
    ZydisDecoder decoder;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t size = range.high - range.low;
    size = size > MAX_BYTES ? MAX_BYTES : size;
    size = size > code.size ? code.size : size;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    add_row(&prologue);
    for (uint64_t at = 0; at < size; at += instruction.length) {
        if (!ZYAN_SUCCESS(
                ZydisDecoderDecodeFull(&decoder, code.at + at, size - at, &instruction, operands)))
            break;
        bool goes_on = follow(&prologue, &instruction, operands);
        prologue.vaddr = range.low + at + instruction.length;
        if (!goes_on) {
            if (!is_end(&instruction))
                frames_add(frames, prologue.vaddr, UNWIND_NO_TABLE);
            break;
        }
        add_row(&prologue);
    }
    if (range.high - range.low > MAX_BYTES)
        frames_add(frames, range.low + MAX_BYTES, UNWIND_NO_TABLE);
}
