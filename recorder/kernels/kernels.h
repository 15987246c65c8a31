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

/* purpose/questions.py, _keys_of_kinds: `numbers[at]` is the number of the kind of a group, from 1
 * on, 0 of a nested call; `firsts[number - 1]` the first group of that kind. By group, `count` of
 * them: `what`, `verdict`, `within` of its table, `there`: the steps of its stack. By what, `whats`
 * of them: `alike`, a number for what is asked the same; `names`, of its name; `is_call`. By
 * verdict, `verdicts` of them: `whose`. How many kinds there are. */
PASS int64_t kinds(const uint32_t *what, const uint32_t *verdict, const uint32_t *within,
                   const uint32_t *there, int64_t count, const uint32_t *alike,
                   const uint32_t *whose, const uint32_t *names, const uint8_t *is_call,
                   int64_t whats, int64_t verdicts, uint32_t *numbers, uint32_t *firsts);

/* purpose/questions.py, _Questions._askers: the same of a kind together with the frame that
 * decided; 0 for kinds that are none `is_asker`. `decided`: by verdict, 0: no frame, else 1 + how
 * many callers outwards of the stack at the group's one of `nodes`. `parents`, `alike`: by node. */
PASS int64_t askers(const uint32_t *kinds, const uint32_t *verdict, const int32_t *nodes,
                    int64_t count, const uint8_t *is_asker, int64_t kinds_count,
                    const uint32_t *decided, int64_t verdicts, const int32_t *parents,
                    const uint32_t *alike, int64_t nodes_count, uint32_t *numbers,
                    uint32_t *firsts);

/* purpose/groups.py, _keys_by_makers: the same, by id, of a group's question, of what the blocks of
 * its events were for, and of how many had none; 0 where the question is not `asked` (by question,
 * `known` of them), or its makers do not decide that. `members`: rows by index; `events`: by index,
 * how many; `things`: by id, what its blocks are, 0: not known, 1: nothing that could be told. */
PASS int64_t makers(const uint32_t *questions, int64_t count, const uint8_t *asked, int64_t known,
                    const uint8_t *members, int64_t members_size, const int64_t *events,
                    const uint32_t *things, uint32_t *numbers, uint32_t *firsts);

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
