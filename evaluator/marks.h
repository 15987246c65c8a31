/* marks.h - where tokens begin, for 64 bytes of text at once, as bits of a word.
 *
 * The evaluator goes from token to token by the bits, not by the length of what it has read: so
 * the processor need not wait for the end of one number before it looks at the next one.
 */
#ifndef MEXE_MARKS_H
#define MEXE_MARKS_H

#include "words.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

/* Of one block; the lowest bit is its first byte. */
struct marks {
    uint64_t tokens; /* the first byte of each number, and whatever else is no space */
    uint64_t single; /* those of the tokens that are a digit which is a number by itself */
    uint64_t inside; /* 1 when a number may go on in the next block */
};

/* Which bytes are what. */
struct classes {
    uint64_t numeric; /* digits and points */
    uint64_t spaces;
};

#ifdef __AVX2__
enum { UNIT = 32 };

static inline struct classes classify(__m256i bytes)
{
    __m256i digits =
        _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(0x80 + 10)),
                          _mm256_add_epi8(bytes, _mm256_set1_epi8((char)(0x80 - '0'))));
    __m256i points = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('.'));
    __m256i spaces = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' '));
    return (struct classes){(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(digits, points)),
                            (uint32_t)_mm256_movemask_epi8(spaces)};
}

static inline struct classes classify_at(const char *p)
{
    return classify(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline struct classes classify_last(const struct source *source, const char *p)
{
    uint64_t words[4] = {0};
    for (int i = 0; i < 4 && source->end - p > 0; i++, p += 8)
        words[i] = look(source, p);
    return classify(_mm256_setr_epi64x((long long)words[0], (long long)words[1],
                                       (long long)words[2], (long long)words[3]));
}
#else
enum { UNIT = 8 };

/* The bits for the bytes of WORD which are 0. */
static inline uint64_t zero_bytes(uint64_t word)
{
    uint64_t others = ((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | word;
    return ((~others & EACH_BYTE(0x80)) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline struct classes classify(uint64_t word)
{
    uint64_t value = word ^ EACH_BYTE('0');
    uint64_t others = ((value & EACH_BYTE(0x7f)) + EACH_BYTE(0x76)) | value;
    uint64_t digits = ((~others & EACH_BYTE(0x80)) >> 7) * UINT64_C(0x0102040810204080) >> 56;
    return (struct classes){digits | zero_bytes(word ^ EACH_BYTE('.')),
                            zero_bytes(word ^ EACH_BYTE(' '))};
}

static inline struct classes classify_at(const char *p)
{
    return classify(load_word(p));
}

static inline struct classes classify_last(const struct source *source, const char *p)
{
    return classify(look(source, p));
}
#endif

static inline struct classes classify_block(const struct source *source, const char *p)
{
    struct classes all = {0, 0};
    size_t left = (size_t)(source->end - p), size = left < BLOCK ? left : BLOCK, at = 0;
    for (; at + UNIT <= size; at += UNIT) {
        struct classes some = classify_at(p + at);
        all.numeric |= some.numeric << at;
        all.spaces |= some.spaces << at;
    }
    if (at < size) {
        struct classes some = classify_last(source, p + at);
        all.numeric |= some.numeric << at;
        all.spaces |= some.spaces << at;
    }
    if (size < BLOCK)
        all.spaces |= UINT64_MAX << size;
    return all;
}

/* INSIDE is what the block before said; 0 for the first. P is before the end. */
static inline struct marks mark_block(const struct source *source, const char *p, uint64_t inside)
{
    struct classes c = classify_block(source, p);
    uint64_t starts = c.numeric & ~(c.numeric << 1 | inside);
    struct marks marks;
    marks.tokens = ~(c.spaces | (c.numeric & ~starts));
    marks.single = starts & ~(c.numeric >> 1) & UINT64_MAX >> 1;
    marks.inside = c.numeric >> 63;
    return marks;
}

#endif
