/* heap_calls.h - counts this program's calls of the allocator, whoever makes them. */
#ifndef HEAP_CALLS_H
#define HEAP_CALLS_H

#include <stddef.h>

/* Calls of malloc, calloc, realloc and their kin so far, `free` not counted. */
size_t heap_calls(void);

#endif
