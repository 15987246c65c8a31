/* marks.h - where tokens begin, for 64 bytes of text at once, as bits of a word.
 *
 * The evaluator goes from token to token by these bits, not by the length of what it has read: so
 * the processor need not wait for the end of one number before it looks at the next one.
 *
 * Behind vectors.h it is done with its registers, else with words.
 */
#ifndef MEXE_MARKS_H
#define MEXE_MARKS_H

#include "words.h"

#include <stdbool.h>

struct tables; /* of vectors.h; without it there are none */

enum {
    BLOCK = 64,
    SEEN = BLOCK + 16 /* what is looked at, from the start of a block on, at most */
};

/* Of a block; the lowest bit is its first byte. */
struct marks {
    uint64_t tokens; /* the first byte of each number, and whatever else is no space */
    unsigned size;   /* of the block: a number that may go on behind it is left to the next one */
#ifdef MEXE_VECTORS_H
    uint64_t opening, closing;       /* parentheses */
    uint64_t no_digits, no_numerics; /* numerics: digits, and points where one may stand */
    bool simple;                     /* each number is whole, and of four digits at most */
#endif
};

/* Without the number that reaches the end of the block; one as long as the block is its only token,
 * and whoever reads it says where to go on. */
static inline void cut_block(struct marks *marks, uint64_t no_numerics)
{
    if (no_numerics == 0) {
        marks->size = 0;
        marks->tokens = 1;
        return;
    }
    unsigned cut = (unsigned)__builtin_clzll(no_numerics);
    marks->size = BLOCK - cut;
    marks->tokens &= UINT64_MAX >> cut;
}

#ifdef MEXE_VECTORS_H
/* Which bytes are what. */
struct classes {
    uint64_t digits, points, spaces, opening, closing;
};

static inline uint64_t equal_bits(__m256i bytes, const void *to)
{
    __m256i equal = _mm256_cmpeq_epi8(bytes, _mm256_load_si256((const __m256i *)to));
    return (uint32_t)_mm256_movemask_epi8(equal);
}

static inline struct classes classify(const struct tables *t, __m256i bytes)
{
    __m256i moved = _mm256_add_epi8(bytes, _mm256_load_si256((const __m256i *)t->digits[0]));
    __m256i digits = _mm256_cmpgt_epi8(_mm256_load_si256((const __m256i *)t->digits[1]), moved);
    return (struct classes){(uint32_t)_mm256_movemask_epi8(digits), equal_bits(bytes, t->point),
                            equal_bits(bytes, t->space), equal_bits(bytes, t->opening),
                            equal_bits(bytes, t->closing)};
}

static inline struct classes classify_16(const struct tables *t, __m128i bytes)
{
    return classify(t, _mm256_zextsi128_si256(bytes)); /* zeros are of no class */
}

/* HIGH begins BY bytes behind LOW; where they overlap they are the same. */
static inline struct classes joined(struct classes low, struct classes high, size_t by)
{
    return (struct classes){low.digits | high.digits << by, low.points | high.points << by,
                            low.spaces | high.spaces << by, low.opening | high.opening << by,
                            low.closing | high.closing << by};
}

static inline void mark_classes(struct marks *marks, struct classes c)
{
    /* Points between no two digits, or behind another and digits: there no number goes on. */
    uint64_t behind = (c.points << 1) + c.digits;
    uint64_t wrong = c.points & (~c.digits >> 1 | ~(c.digits << 1) | (behind & ~c.digits));
    uint64_t numerics = c.digits | (c.points & ~wrong);
    uint64_t pairs = c.digits & c.digits << 1;
    marks->simple = !(c.points | (pairs & pairs << 2 & c.digits << 4));
    marks->opening = c.opening;
    marks->closing = c.closing;
    marks->no_digits = ~c.digits;
    marks->no_numerics = ~numerics;
    marks->tokens = ~(c.spaces | (numerics & numerics << 1));
    cut_block(marks, ~numerics);
}

static inline void mark_block(struct marks *marks, const struct tables *t, const char *p)
{
    mark_classes(marks, joined(classify(t, load_32(p)), classify(t, load_32(p + 32)), 32));
}

#else

/* A bit for each marked byte. */
static inline uint64_t gather(uint64_t marks)
{
    return (marks >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline void mark_block(struct marks *marks, const struct tables *t, const char *p)
{
    uint64_t numerics = 0, spaces = 0;
    (void)t;
    for (int at = 0; at < BLOCK; at += 8) {
        uint64_t word = load_word(p + at);
        numerics |= gather(mark_zeros(word ^ EACH_BYTE('.')) | mark_digits(word)) << at;
        spaces |= gather(mark_zeros(word ^ EACH_BYTE(' '))) << at;
    }
    marks->tokens = ~(spaces | (numerics & numerics << 1));
    cut_block(marks, ~numerics);
}
#endif

/* How many more parentheses stand beside the one at AT. By words none is looked for. */
static inline unsigned more_openings(const struct marks *marks, unsigned at)
{
#ifdef MEXE_VECTORS_H
    return (unsigned)_tzcnt_u64(~(marks->opening >> at)) - 1;
#else
    (void)marks, (void)at;
    return 0;
#endif
}

static inline unsigned more_closings(const struct marks *marks, unsigned at)
{
#ifdef MEXE_VECTORS_H
    return (unsigned)_tzcnt_u64(~(marks->closing >> at)) - 1;
#else
    (void)marks, (void)at;
    return 0;
#endif
}

/* Those of TOKENS that come behind AT. */
static inline uint64_t tokens_behind(uint64_t tokens, unsigned at)
{
    return tokens & ~(uint64_t)1 << at;
}

#endif
