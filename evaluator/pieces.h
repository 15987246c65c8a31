/* pieces.h - a number word by word: its digits without the point, wherever that stands. */
#ifndef MEXE_PIECES_H
#define MEXE_PIECES_H

#include "rounding.h"
#include "words.h"

/* What one word says of a number that begins in it. */
struct piece {
    uint64_t marks;  /* the bytes that are no digits: right up to STOP */
    uint64_t point;  /* the mark of its point, 0 without one */
    uint64_t stop;   /* from the mark of the byte behind it on; 0 when it may go on */
    uint64_t digits; /* the word without the point; what is behind the number stays there */
};

static inline struct piece find_piece(uint64_t word)
{
    struct piece piece = {.marks = mark_no_digits(word)};
    uint64_t first = piece.marks & -piece.marks;
    uint64_t before = (uint64_t)((int64_t)(first - 1) >> 7); /* all of the word without a mark */
    piece.point = first & mark_points(word);
    piece.stop = piece.marks ^ piece.point;
    piece.digits = (word & before) | (word >> 8 & ~before);
    return piece;
}

/* ---- a number of 16 to 23 digits: FIRST is the value of its first 15 or 16; then come COUNT more,
 * which are in LAST, at most 7 ---- */

#define FULL UINT64_C(1000000000000000000) /* the least of DIGITS_KEPT digits */

/* How many of ALL its digits do not fit. */
static inline unsigned not_kept(unsigned all)
{
    return all > DIGITS_KEPT ? all - DIGITS_KEPT : 0;
}

static inline bool round_all(uint64_t first, uint64_t last, unsigned count, unsigned fraction,
                             double *value)
{
    uint64_t kept = first * tens[count] + join_digits(last << 8 << (56 - 8 * count));
    return round_short(kept, -(int64_t)fraction, false, value);
}

/* Without the last DROPPED. Where it begins with zeros, too little is kept to be rounded. */
static inline bool round_most(uint64_t first, uint64_t last, unsigned count, unsigned dropped,
                              unsigned fraction, double *value)
{
    unsigned more = count - dropped;
    uint64_t kept = first * tens[more] + join_digits(last << 8 << (56 - 8 * more));
    uint64_t behind = (last & EACH_BYTE(0x0f)) >> 8 * more;
    bool cut = (behind & (((uint64_t)1 << 8 * dropped) - 1)) != 0;
    if (cut && kept < FULL)
        return false;
    return round_short(kept, (int64_t)dropped - (int64_t)fraction, cut, value);
}

#endif
