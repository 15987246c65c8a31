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

/* ---- sums.c ---- */

/* summary/group_kinds.py, _numbered: groups that are alike in these columns are of one kind. How
 * many there are, or the first number beyond `most`. `withins`: of each group the older one around
 * it, from 1; 0: none. Made: `kind_of`, by group, from 1; by kind (room for `count`) `firsts`, the
 * index of its first group, and `around`, the kind around that one. */
PASS int64_t kinds(const uint32_t *whats, const uint32_t *verdicts, const uint32_t *purposes,
                   const uint32_t *withins, const int32_t *frames, int64_t count, uint32_t *kind_of,
                   uint32_t *firsts, uint32_t *around, int64_t most);

/* summary/group_kinds.py, _added: the sums of a column by kind, of `number` kinds, onto `totals`.
 * FAILED also where one does not fit. */
PASS int64_t added(const int64_t *column, const uint32_t *kind_of, int64_t count, int64_t *totals,
                   int64_t number);

/* summary/group_kinds.py, _deciders: `found[at]`: the frame of the node that decided about group
 * `at`, whose stack begins at `begins[at]`; -1: none. `parents`, `frame_of`, `leaps` (`leap` callers
 * outwards; 0: there are none): by node. `silent`, `in_loader`, `has_name`: by frame. `decided`: by
 * verdict, less than 0: no frame. */
PASS int64_t deciders(const int32_t *parents, const uint32_t *frame_of, int64_t nodes,
                      const int32_t *leaps, int64_t leap, const uint8_t *silent,
                      const uint8_t *in_loader, const uint8_t *has_name, int64_t frames,
                      const int32_t *begins, const uint32_t *verdict_of, int64_t count,
                      const int64_t *decided, int64_t verdicts, int32_t *found);

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
