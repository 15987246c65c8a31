/*
 * Passes over large arrays: what Python would do row by row (alloctrace/kernels.py).
 *
 * Each is the twin of a loop in Python, which its comment names and which is the reference. The
 * arrays are the caller's and are as long as the numbers say; nothing is kept. What they hold may
 * come from a stranger: an index is looked at before it is used. They say 0 or more, or FAILED
 * where the arrays contradict each other or memory is out, and Python's own loop goes on.
 */
#pragma once
#include <stdint.h>

#define PASS __attribute__((visibility("default")))
#define FAILED (-1)

/* Of which alloctrace/kernels.py this was built for: zlib's crc32 of its text. */
PASS uint32_t kernels_version(void);

/* stacks/tree.py, StackTree._leaps: `found[node]` is the node `leap` callers outwards, 0 where the
 * stack ends before. `parents`, `found`: of `count` nodes; `leap`: a power of 2. */
PASS int64_t leaps(const int32_t *parents, int32_t *found, int64_t count, int64_t leap);

/* The packed columns of events (columns.c). `data`: the bytes of all, `length` in all; `shapes`: of
 * each column six numbers: where its bytes begin, how many, width, delta, base, period; `count`: how
 * many values each has. */

/* columns/events.py, unpack: `found` is column after column. `rows`: the `wanted` ones of each;
 * `wanted` less than 0: all. */
PASS int64_t unpack(const uint8_t *data, int64_t length, const int64_t *shapes, int64_t columns,
                    int64_t count, const int32_t *rows, int64_t wanted, int64_t *found);

/* columns/columns.py, marked: of one column how many `rows` hold a value of which `table`, of `size`
 * bytes, has a mark; `rows`, `marks`: for `count` each. */
PASS int64_t marked(const uint8_t *data, int64_t length, const int64_t *shapes, int64_t count,
                    const uint8_t *table, int64_t size, int32_t *rows, uint8_t *marks);

/* columns/group_table.py, _gathered: `count` of the `size` numbers of `width` bytes, 4 or 8. */
PASS int64_t gather(const void *column, int64_t size, const int32_t *rows, int64_t count,
                    int64_t width, void *found);
