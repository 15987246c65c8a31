/* number_words.h - reads a number of up to 15 bytes from two words; number_avx2.h is its twin. */
#ifndef MEXE_NUMBER_WORDS_H
#define MEXE_NUMBER_WORDS_H

#include "core.h"
#include "pieces.h"

struct tables;

static inline const struct tables *hidden_tables(void)
{
    return NULL;
}

/* Of 8 bytes and more. A point in the second word is none when there was one in the first. */
static inline bool read_two_words(const struct source *source, const char *p,
                                  const struct piece *first, double *value)
{
    if (source->end - p < 8)
        return false;
    uint64_t word = look(source, p + 8);
    struct piece second = find_piece(word);
    unsigned point = first->point != 0;
    if (point)
        second.stop = second.marks, second.point = 0;
    if (!second.stop)
        return false;
    unsigned size = bytes_below(second.stop), point2 = second.point != 0, places = size - point2;
    uint64_t digits = join_digits(first->digits << 8 * point) * tens[places];
    digits += join_digits(second.digits << 8 << (56 - 8 * places));
    unsigned fraction = size - (point ? 0 : bytes_below(second.marks) + point2);
    fraction += point ? 7 - bytes_below(first->point) : 0;
    if (fraction < (point | point2) || (mark_points(word) & second.stop & -second.stop))
        return false;
    *value = (double)(int64_t)digits / ten[fraction];
    return true;
}

/* Reads the number at P, which points at a digit; false when it is too long or not a number. */
static inline bool read_short(const struct source *source, const char *p, const struct tables *t,
                              double *value)
{
    (void)t;
    uint64_t word = look(source, p);
    struct piece piece = find_piece(word);
    if (!piece.stop)
        return read_two_words(source, p, &piece, value);
    unsigned size = bytes_below(piece.stop), point = piece.point != 0;
    unsigned fraction = size - bytes_below(piece.marks) - point;
    if (fraction < point || (mark_points(word) & piece.stop & -piece.stop))
        return false;
    uint64_t digits = join_digits(piece.digits << (64 - 8 * (size - point)));
    *value = (double)(int64_t)digits / ten[fraction];
    return true;
}

#endif
