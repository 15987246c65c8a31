/* history/deflate.h - zlib streams (RFC 1950), made for speed. */
#ifndef BRKPOINT_HISTORY_DEFLATE_H
#define BRKPOINT_HISTORY_DEFLATE_H

#include "columns.h"

struct deflater;

struct deflater *deflater_new(size_t room);     /* for at most so many bytes; NULL: no memory */
void deflater_free(struct deflater *d);         /* may be NULL */
size_t deflater_room(const struct deflater *d); /* bytes of the longest stream that may come */

/* So many bytes, as `packed->data`: the deflater's, until the next time. -1: they were too many. */
int deflate_bytes(struct deflater *d, uint8_t *bytes, size_t length, struct packed *packed);

#endif
