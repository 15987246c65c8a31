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

enum { BLOCK = 64 };

/* Which bytes of a block are what; the lowest bit is its first byte. */
struct classes {
    uint64_t numeric; /* digits and points */
    uint64_t spaces;
};

struct marks {
    uint64_t tokens; /* the first byte of each number, and whatever else is no space */
    uint64_t single; /* those of the tokens that are a digit which is a number by itself */
};

#ifdef MEXE_VECTORS_H
static inline __m256i aligned_32(const void *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

static inline struct classes classify(const struct tables *t, __m256i bytes)
{
    __m256i moved = _mm256_add_epi8(bytes, aligned_32(t->digits[0]));
    __m256i digits = _mm256_cmpgt_epi8(aligned_32(t->digits[1]), moved);
    __m256i points = _mm256_cmpeq_epi8(bytes, aligned_32(t->point));
    __m256i spaces = _mm256_cmpeq_epi8(bytes, aligned_32(t->space));
    return (struct classes){(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(digits, points)),
                            (uint32_t)_mm256_movemask_epi8(spaces)};
}

static inline struct classes classify_block(const struct tables *t, const char *p)
{
    struct classes low = classify(t, load_32(p)), high = classify(t, load_32(p + 32));
    return (struct classes){low.numeric | high.numeric << 32, low.spaces | high.spaces << 32};
}

#else

/* A bit for each marked byte. */
static inline uint64_t gather(uint64_t marks)
{
    return (marks >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline struct classes classify(uint64_t word)
{
    uint64_t numeric = mark_zeros(word ^ EACH_BYTE('.')) | mark_digits(word);
    return (struct classes){gather(numeric), gather(mark_zeros(word ^ EACH_BYTE(' ')))};
}

static inline struct classes classify_block(const struct tables *t, const char *p)
{
    (void)t;
    struct classes all = {0, 0};
    for (int at = 0; at < BLOCK; at += 8) {
        struct classes some = classify(load_word(p + at));
        all.numeric |= some.numeric << at;
        all.spaces |= some.spaces << at;
    }
    return all;
}
#endif

/* The same with spaces behind the first LEFT bytes, and none of what is there. */
static inline struct classes cut_classes(struct classes c, size_t left)
{
    uint64_t all = UINT64_MAX >> (BLOCK - left);
    return (struct classes){c.numeric & all, c.spaces | ~all};
}

#ifdef MEXE_VECTORS_H
static inline struct classes joined(struct classes low, struct classes high, size_t by)
{
    return (struct classes){low.numeric | high.numeric << by, low.spaces | high.spaces << by};
}

/* Of 1 to 63 bytes of text: no byte besides them is read, some of them twice. */
static inline struct classes classify_short(const struct tables *t, const struct source *source,
                                            const char *p, size_t size)
{
    if (size >= 32)
        return joined(classify(t, load_32(p)), classify(t, load_32(source->end - 32)), size - 32);
    __m128i bytes = load_16(source, p);
    if (size <= 16)
        return classify(t, _mm256_castsi128_si256(bytes));
    return joined(classify(t, _mm256_castsi128_si256(bytes)),
                  classify(t, _mm256_castsi128_si256(load_16(source, source->end - 16))),
                  size - 16);
}
#else
static inline struct classes classify_short(const struct tables *t, const struct source *source,
                                            const char *p, size_t size)
{
    struct classes all = {0, 0};
    (void)t;
    for (size_t at = 0; at < size; at += 8) {
        struct classes some = classify(look(source, p + at));
        all.numeric |= some.numeric << at;
        all.spaces |= some.spaces << at;
    }
    return all;
}
#endif

/* Of the block from P on, of which LEFT bytes are there, of a text of LENGTH: one at least. */
static inline struct classes classify_last(const struct tables *t, const struct source *source,
                                           const char *p, size_t length)
{
    size_t left = (size_t)(source->end - p);
    if (left >= BLOCK)
        return classify_block(t, p);
    if (length < BLOCK)
        return cut_classes(classify_short(t, source, p, left), left);
    struct classes c = classify_block(t, source->end - BLOCK);
    return cut_classes((struct classes){c.numeric >> (BLOCK - left), c.spaces >> (BLOCK - left)},
                       left);
}

/* INSIDE is 1 when the byte before the block is a digit or a point. */
static inline struct marks mark_tokens(struct classes c, uint64_t inside)
{
    uint64_t starts = c.numeric & ~(c.numeric << 1 | inside);
    struct marks marks;
    marks.tokens = ~(c.spaces | (c.numeric & ~starts));
    marks.single = starts & ~(c.numeric >> 1) & UINT64_MAX >> 1;
    return marks;
}

#endif
