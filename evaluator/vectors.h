/* vectors.h - 16 and 32 bytes of text at once, where the machine has AVX2. */
#ifndef MEXE_VECTORS_H
#define MEXE_VECTORS_H

#include "words.h"

#include <immintrin.h>

static inline __m128i unaligned(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline __m128i load_16(const struct source *source, const char *p)
{
    ptrdiff_t left = source->end - p;
    if (left >= 16)
        return unaligned(p);
    uint64_t high = left > 8 ? look(source, p + 8) : 0;
    return _mm_set_epi64x((long long)high, (long long)look(source, p));
}

static inline __m256i load_32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

#endif
