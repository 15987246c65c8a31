/* tail.h - the end of a text, copied to where what is behind it may be looked at too. */
#ifndef MEXE_TAIL_H
#define MEXE_TAIL_H

#include "marks.h"

/* Less than SEEN bytes of text, then spaces. */
struct tail {
    _Alignas(32) char bytes[2 * SEEN];
};

#ifdef MEXE_VECTORS_H
static inline void store_16(char *to, __m128i bytes)
{
    _mm_storeu_si128((__m128i *)(void *)to, bytes);
}

static inline void store_32(char *to, __m256i bytes)
{
    _mm256_storeu_si256((__m256i *)(void *)to, bytes);
}

/* Copies SIZE bytes, and marks their first block. What has just been stored in pieces cannot be
 * loaded at once without waiting, so the marks are made of what was loaded, where a block is not. */
static inline void take_last(struct marks *marks, const struct tables *t, struct tail *tail,
                             const char *p, size_t size)
{
    char *to = tail->bytes;
    struct classes c;
    for (size_t at = 0; at < sizeof tail->bytes; at += 32)
        store_32(to + at, load_32(t->space));
    if (size >= 32) {
        __m256i first = load_32(p), last = load_32(p + size - 32);
        if (size > BLOCK) {
            __m256i second = load_32(p + 32);
            store_32(to + 32, second);
            c = joined(classify(t, first), classify(t, second), 32);
        } else {
            c = joined(classify(t, first), classify(t, last), size - 32);
        }
        store_32(to, first);
        store_32(to + size - 32, last);
    } else if (size >= 16) {
        __m128i first = load_16(p), last = load_16(p + size - 16);
        c = joined(classify_16(t, first), classify_16(t, last), size - 16);
        store_16(to, first);
        store_16(to + size - 16, last);
    } else {
        __m128i all = load_less(p, size);
        c = classify_16(t, all);
        store_16(to, all);
    }
    if (size < BLOCK)
        c.spaces |= UINT64_MAX << size;
    mark_classes(marks, c);
}
#else
static inline void take_last(struct marks *marks, const struct tables *t, struct tail *tail,
                             const char *p, size_t size)
{
    const uint64_t spaces = EACH_BYTE(' ');
    for (size_t at = 0; at < sizeof tail->bytes; at += sizeof spaces)
        memcpy(tail->bytes + at, &spaces, sizeof spaces);
    memcpy(tail->bytes, p, size);
    mark_block(marks, t, tail->bytes);
}
#endif

#endif
