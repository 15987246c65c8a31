/* output.h - results and complaints, written without the heap. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>

/* Adds to standard output, which is written in large pieces. Where that fails, the program says
 * so and ends with status 1. */
void output_add(const char *bytes, size_t length);
void output_say(const char *words);

/* Writes what was added so far. */
void output_flush(void);

/* Writes the rest, closes standard output, and says where that fails. */
void output_end(void);

/* One line on standard error, behind "mexe: "; what was added is written before. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
