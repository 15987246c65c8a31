/* number_words.h - reads a number of up to 15 bytes from two words; number_avx2.h is its twin. */
#ifndef MEXE_NUMBER_WORDS_H
#define MEXE_NUMBER_WORDS_H

#include "bytes.h"
#include "lane.h"
#include "pieces.h"

#include "marks.h"

static inline const struct tables *hidden_tables(void)
{
    return NULL;
}

/* Of 8 bytes and more. A point in the second word is none when there was one in the first. */
static inline bool read_two_words(const char *p, const struct piece *first, lane *value)
{
    uint64_t word = load_word(p + 8);
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
    *value = lane_of((double)(int64_t)digits / ten[fraction]);
    return true;
}

/* Reads the number at P; false when there is none, or a longer one. */
static inline bool read_short(const struct tables *t, const struct marks *marks, unsigned at,
                              const char *p, lane *value)
{
    (void)t, (void)marks, (void)at;
    if (!is_digit((unsigned char)*p))
        return false;
    uint64_t word = load_word(p);
    struct piece piece = find_piece(word);
    if (!piece.stop)
        return read_two_words(p, &piece, value);
    unsigned size = bytes_below(piece.stop), point = piece.point != 0;
    unsigned fraction = size - bytes_below(piece.marks) - point;
    if (fraction < point || (mark_points(word) & piece.stop & -piece.stop))
        return false;
    uint64_t digits = join_digits(piece.digits << (64 - 8 * (size - point)));
    *value = lane_of((double)(int64_t)digits / ten[fraction]);
    return true;
}

/* Reads a number of 16 to 23 bytes, of which there are 24; returns where it ends. NULL when it is
 * longer, none, or not to be rounded so: that is for those who look at each byte. */
static inline const char *read_long(const char *p, double *value)
{
    struct piece a = find_piece(load_word(p)), b = find_piece(load_word(p + 8));
    struct piece c = find_piece(load_word(p + 16));
    unsigned in_a = a.point != 0, in_b = b.point != 0, in_c = c.point != 0;
    if (a.stop || b.stop || !c.stop || in_a + in_b + in_c > 1)
        return NULL;
    unsigned size = bytes_below(c.stop), places = size - in_c;
    uint64_t point = a.point | b.point | c.point | (uint64_t)1 << 63;
    unsigned fraction = 15 + size - bytes_below(point) - 8 * in_b - 16 * in_c;
    if (fraction == 0)
        return NULL;
    uint64_t kept = join_digits(a.digits << 8 * in_a) * tens[8 - in_b];
    kept += join_digits(b.digits << 8 * in_b);
    fraction *= in_a | in_b | in_c;
    unsigned dropped = not_kept(16 - in_a - in_b + places);
    bool is_near = dropped ? round_most(kept, c.digits, places, dropped, fraction, value)
                           : round_all(kept, c.digits, places, fraction, value);
    return is_near ? p + 16 + size : NULL;
}

#endif
