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

#endif
