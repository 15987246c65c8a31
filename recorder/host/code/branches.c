/* branches.c - jumps into places that shall be overwritten (branches.h). */
#include "branches.h"

#include <emmintrin.h>
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

/* Which bytes of 16 may be the opcode of a call or jmp (e8, e9), or the second one of a jcc (80-8f;
 * 0f before it is looked for later): a bit for each. Megabytes of code are looked through before a
 * program may begin. */
static unsigned long_opcodes(const uint8_t *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    __m128i jumps =
        _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(1)), _mm_set1_epi8((char)0xE9));
    __m128i high = _mm_and_si128(bytes, _mm_set1_epi8((char)0xF0));
    __m128i jccs = _mm_cmpeq_epi8(high, _mm_set1_epi8((char)0x80));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(jumps, jccs));
}

/* Most targets lie in none of the ranges, which a look at this tells. */
struct filter {
    uint8_t marks[4096];
};

static uint8_t *mark_of(struct filter *filter, uint64_t address)
{
    return &filter->marks[address / 16 % sizeof filter->marks];
}

static void find_long_at(const struct code *text, size_t n, struct filter *filter,
                         struct range *ranges, size_t count)
{
    int32_t distance;
    const uint8_t *at = text->bytes + n;
    if ((at[0] & 0xF0) == 0x80 && (n == 0 || at[-1] != 0x0F))
        return;
    memcpy(&distance, at + 1, sizeof distance);
    uint64_t target = text->address + n + JUMP_LENGTH + (uint64_t)(int64_t)distance;
    struct range *range = *mark_of(filter, target) ? range_at(ranges, count, target) : NULL;
    if (range)
        confirm(text, text->address + n, range);
}

static void find_long(const struct code *text, struct range *ranges, size_t count)
{
    struct filter filter = {{0}};
    for (size_t i = 0; i < count; i++)
        for (uint64_t address = ranges[i].low; address < ranges[i].high; address++)
            *mark_of(&filter, address) = 1;
    size_t end = text->length - JUMP_LENGTH + 1; /* behind the last place of a jump */
    for (size_t n = 0; n < end; n += 16) {
        uint8_t last[16] = {0};
        if (n + 16 > text->length)
            memcpy(last, text->bytes + n, text->length - n);
        unsigned found = long_opcodes(n + 16 > text->length ? last : text->bytes + n);
        for (; found != 0; found &= found - 1) {
            size_t at = n + (unsigned)__builtin_ctz(found);
            if (at < end)
                find_long_at(text, at, &filter, ranges, count);
        }
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
