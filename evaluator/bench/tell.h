/* tell.h - the measured, as text or as a row of a Markdown table. */
#ifndef TELL_H
#define TELL_H

#include "measure.h"

void tell_text(const struct set *set, const struct measured *results);

/* One row; the head of the table is told apart. */
void tell_markdown_head(void);
void tell_markdown(const struct set *set, const struct measured *results);

#endif
