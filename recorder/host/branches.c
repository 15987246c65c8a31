/* branches.c - jumps into places that shall be overwritten (branches.h). */
#include "branches.h"

#include <stdlib.h>
#include <string.h>

enum {
    JUMP_LENGTH = 5,  /* and from the last byte of the opcode of a jcc on */
    SHORT_LENGTH = 2, /* jmp, jcc, loop with 8 bits */
    REACH = 128,      /* of these */
    RUN_UP = 64,      /* bytes after which two readings of code agree on where instructions begin */
    LONGEST = 16,     /* no instruction is that long */
};

/* The first range that ends behind `address`. */
static struct range *range_at(struct range *ranges, size_t count, uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].high <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ranges[low].low <= address ? &ranges[low] : NULL;
}

/* -- is there an instruction that jumps, at these bytes? */

static bool jumps_into(const struct instruction *i, const struct range *range)
{
    return (instruction_branches(i) || i->kind == CALL) && i->target >= range->low &&
           i->target < range->high;
}

/* Whether a reading that begins at `start` sees a jump into the range around `address`. It ends
 * where another one was before: `seen` is one byte for each address from `begin` on. */
static bool reads_jump(const struct code *text, uint64_t start, uint64_t address,
                       const struct range *range, uint64_t begin, uint8_t *seen)
{
    struct instruction i = {.kind = PLAIN};
    while (start <= address) {
        if (seen[start - begin]++)
            return false;
        if (!instruction_at(text, start, &i))
            i = (struct instruction){.address = start, .length = 1};
        start = instruction_end(&i);
    }
    return jumps_into(&i, range);
}

static void confirm(const struct code *text, uint64_t address, struct range *range)
{
    uint8_t seen[RUN_UP + LONGEST + 1] = {0};
    uint64_t begin = text->address;
    if (address - begin > RUN_UP + LONGEST)
        begin = address - RUN_UP - LONGEST;
    for (unsigned n = 0; n < LONGEST && begin + n <= address; n++)
        if (reads_jump(text, begin + n, address, range, begin, seen))
            range->branched_into = true;
}

/* -- bytes that look like jumps */

static bool is_long_opcode(const uint8_t *at, bool two_bytes)
{
    if (two_bytes && at[-1] == 0x0F && (at[0] & 0xF0) == 0x80)
        return true;
    return at[0] == 0xE8 || at[0] == 0xE9;
}

static void find_long(const struct code *text, struct range *ranges, size_t count)
{
    uint64_t low = ranges[0].low, span = ranges[count - 1].high - low;
    for (size_t n = 0; n + JUMP_LENGTH <= text->length; n++) {
        int32_t distance;
        if (!is_long_opcode(text->bytes + n, n > 0))
            continue;
        memcpy(&distance, text->bytes + n + 1, sizeof distance);
        uint64_t target = text->address + n + JUMP_LENGTH + (uint64_t)(int64_t)distance;
        if (target - low >= span)
            continue;
        struct range *range = range_at(ranges, count, target);
        if (range)
            confirm(text, text->address + n, range);
    }
}

static bool is_short_opcode(uint8_t byte)
{
    return byte == 0xEB || (byte & 0xF0) == 0x70 || (byte & 0xFC) == 0xE0;
}

static void find_short(const struct code *text, struct range *range)
{
    uint64_t at = range->low - text->address, end = range->high - text->address + REACH;
    at = at > REACH + SHORT_LENGTH ? at - REACH - SHORT_LENGTH : 0;
    for (; range->low < range->high && !range->branched_into && at < end &&
           at + SHORT_LENGTH <= text->length;
         at++) {
        const uint8_t *bytes = text->bytes + at;
        uint64_t address = text->address + at;
        uint64_t target = address + SHORT_LENGTH + (uint64_t)(int64_t)(int8_t)bytes[1];
        if (is_short_opcode(bytes[0]) && target >= range->low && target < range->high)
            confirm(text, address, range);
    }
}

void find_branches_into(const struct code *text, struct range *ranges, size_t count)
{
    if (count == 0 || text->length < JUMP_LENGTH)
        return;
    find_long(text, ranges, count);
    for (size_t n = 0; n < count; n++)
        find_short(text, &ranges[n]);
}

bool labels_begin(struct labels *labels, uint64_t low, uint64_t high)
{
    *labels = (struct labels){low, high, calloc(1, (high - low) / 8 + 1)};
    return labels->bits != NULL;
}

static bool outside(const struct labels *labels, uint64_t address)
{
    return address < labels->low || address >= labels->high;
}

void labels_add(struct labels *labels, uint64_t address)
{
    uint64_t bit = address - labels->low;
    if (!outside(labels, address))
        labels->bits[bit / 8] |= 1 << bit % 8;
}

bool labels_has(const struct labels *labels, uint64_t address)
{
    uint64_t bit = address - labels->low;
    return !outside(labels, address) && labels->bits[bit / 8] >> bit % 8 & 1;
}

bool labels_between(const struct labels *labels, uint64_t low, uint64_t high)
{
    for (; low < high; low++)
        if (labels_has(labels, low))
            return true;
    return false;
}

void labels_free(struct labels *labels)
{
    free(labels->bits);
    labels->bits = NULL;
}
