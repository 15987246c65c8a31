/* history/deflate.h - zlib streams of planes of bytes, each deflated no more than it can use. */
#ifndef BRKPOINT_HISTORY_DEFLATE_H
#define BRKPOINT_HISTORY_DEFLATE_H

#include "columns.h"

struct deflater;

struct deflater *deflater_new(size_t room);     /* for at most so many bytes; NULL: no memory */
void deflater_free(struct deflater *d);         /* may be NULL */
size_t deflater_room(const struct deflater *d); /* bytes of the longest stream that may come */

/* `packed->width` planes of `count` bytes each, as `packed->data`: the deflater's, until the next
 * time. Noisy ones are not worth a look. -1: no memory. */
int deflate_planes(struct deflater *d, uint8_t *planes, uint32_t count, int is_noisy,
                   struct packed *packed);

#endif
