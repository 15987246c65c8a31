/* branches.c - jumps into places that shall be overwritten (branches.h). */
#include "branches.h"

#include <stdlib.h>
#include <string.h>

enum { JUMP_LENGTH = 5 }; /* and from the last byte of the opcode of a jcc on */

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

static bool is_opcode(const uint8_t *at, bool two_bytes)
{
    if (two_bytes && at[-1] == 0x0F && (at[0] & 0xF0) == 0x80)
        return true;
    return at[0] == 0xE8 || at[0] == 0xE9;
}

void find_branches_into(const struct code *text, struct range *ranges, size_t count)
{
    if (count == 0 || text->length < JUMP_LENGTH)
        return;
    uint64_t low = ranges[0].low, span = ranges[count - 1].high - low;
    for (size_t n = 0; n + JUMP_LENGTH <= text->length; n++) {
        int32_t distance;
        if (!is_opcode(text->bytes + n, n > 0))
            continue;
        memcpy(&distance, text->bytes + n + 1, sizeof distance);
        uint64_t target = text->address + n + JUMP_LENGTH + (uint64_t)(int64_t)distance;
        if (target - low >= span)
            continue;
        struct range *range = range_at(ranges, count, target);
        if (range)
            range->branched_into = true;
    }
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
