#include "changes_stacks.h"
#include "code/instruction.h"

#define MAX_FUNCTION (UINT64_C(64) << 10)

/* mov %reg,%rsp; mov mem,%rsp; xchg %reg,%rsp; lea mem,%rsp: but from %rbp, as functions end. */
static bool sets_stack_pointer(const struct instruction *i)
{
    const uint8_t *b = i->bytes;
    if (i->length < 3 || (b[0] & 0xf8) != 0x48)
        return false;
    bool to_rm = b[1] == 0x89 || b[1] == 0x87,
         to_reg = b[1] == 0x8b || b[1] == 0x8d || b[1] == 0x87;
    bool rm_is = !(b[0] & 1) && (b[2] & 0xc7) == 0xc4, reg_is = !(b[0] & 4) && (b[2] >> 3 & 7) == 4;
    if (to_rm && rm_is)
        return (b[2] >> 3 & 7) != 5 || b[0] & 4;
    return to_reg && reg_is && ((b[2] & 7) != 5 || b[0] & 1);
}

bool changes_stacks(const struct module *m, uint64_t pc)
{
    struct frames_range range;
    struct instruction i;
    if (m == NULL || !m->has_elf || !frames_find(&m->elf, pc - 1 - m->bias, &range) ||
        range.high - range.low > MAX_FUNCTION)
        return false;
    struct elf_bytes bytes = elf_stored(&m->elf, range.low);
    if (bytes.size < range.high - range.low)
        return false;
    struct code code = {range.low, bytes.at, range.high - range.low};
    for (uint64_t at = range.low; at < range.high && instruction_at(&code, at, &i);
         at = instruction_end(&i))
        if (sets_stack_pointer(&i))
            return true;
    return false;
}
