/* shapes.h - expressions with the shapes and lengths of the crate mexe's own 20 benchmark ones. */
#ifndef SHAPES_H
#define SHAPES_H

#include "texts.h"

/* Adds the one with this number: 0 to 9 with numbers of one to three digits, 10 to 19 the same
 * shapes with decimals of six to ten. From 5 to 1993 bytes, 205 on average. */
void shape_of_twenty(struct text *text, size_t number);

/* Adds five groups of sums, products and parentheses: 177 bytes. */
void shape_of_manual(struct text *text);

#endif
