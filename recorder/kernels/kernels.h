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

/* ---- stacks: tree.c ---- */

/* symbols/stacks.py, _OfNodes._walk, as far as it goes without a place. By node, of `count`,
 * zeros before: `marks`, BEGINS and MET as a caller; `first`, the index of its first group; `at`,
 * the number of its pair of program counter and image. `met`: by number of a pair the highest node
 * of it. `stacks`, `what` of `groups` groups, `images` of `whats` of these. Says how many pairs
 * there are. */
PASS int64_t walked(const int32_t *parents, const uint64_t *pcs, uint8_t *marks, int32_t *first,
                    uint32_t *at, int32_t *met, int64_t count, const int64_t *stacks,
                    const uint32_t *what, int64_t groups, const uint32_t *images, int64_t whats);

/* The rest of it: `numbers` of places by `pairs` pairs; `calls`: by number of a place, of `places`,
 * whether its caller is one. `at`: what `walked` left there becomes the number of the place, and
 * MET in `marks` what it is. `kinds`: 4 times the number and the mark of each node, those that
 * differ, in the order of the nodes; says how many. */
PASS int64_t placed(const int32_t *parents, uint8_t *marks, uint32_t *at, int64_t count,
                    const uint32_t *numbers, int64_t pairs, const uint8_t *calls, int64_t places,
                    uint32_t *kinds);

/* symbols/stacks.py, _OfNodes.tree. `starts`: by twice the number of a place, and 1 more for
 * callers, where in `pieces` the numbers of its frames begin, and one more; of `places`. `cuts`:
 * the bits of the reasons why a stack may be cut, `deep` that of too many frames, more than `most`.
 * `made` is 0: says how many nodes the tree has; else that it has so many, and fills `begins`,
 * `called` (by node of ours), `outer` and `frame_of` (of `made` + 1). `has_cut`: 1 byte. */
PASS int64_t grown(const int32_t *parents, const uint8_t *marks, const uint32_t *at, int64_t count,
                   const uint8_t *calls, const uint32_t *starts, const uint32_t *pieces,
                   int64_t places, int64_t cuts, int64_t deep, int64_t most, int64_t made,
                   int32_t *begins, int32_t *called, int32_t *outer, uint32_t *frame_of,
                   uint8_t *has_cut);

/* stacks/tree.py, StackTree._named: by node the first node outwards, itself included, whose frame
 * has a name, by `has_name` of `frames`; 0: none. `found` is zeros before. */
PASS int64_t named(const int32_t *parents, const uint32_t *frame_of, int64_t count,
                   const uint8_t *has_name, int64_t frames, int32_t *found);

/* stacks/nodes.py, NodeStacks.cuts: by node what its stack ends with, 0 or less. */
PASS int64_t ends(const int32_t *parents, int64_t count, int32_t *found);

/* stacks/tree.py, StackTree.alike: `found[row]` is `values[at[row]]`. `size`: of `values`. */
PASS int64_t picked(const uint32_t *values, int64_t size, const uint32_t *at, int64_t count,
                    uint32_t *found);

/* stacks/nodes.py, NodeStacks.add: 1 where these are the nodes from `first` on, each caller older
 * than what it called; else 0. */
PASS int64_t are_next(const int32_t *ids, const int32_t *parents, int64_t count, int64_t first);

/* stacks/nodes.py, NodeStacks.use: those of `rows` nodes that are more than 0, of `count`, each
 * once and in order; says how many. */
PASS int64_t used(const int64_t *nodes, int64_t rows, int64_t count, int32_t *found);

/* ---- stacks: answers.c ---- */

/* stacks/tree.py, Unions.numbered: by node the number of the bits of all frames of its stack.
 * `of_frame`: by frame which of `owns` rows of `own` its bits are; a row is `width` words. `rows`
 * has room for `room` of them, the bits by number, and 0 are none. Says how many there are. */
PASS int64_t unions(const int32_t *parents, const uint32_t *frame_of, int64_t count,
                    const uint32_t *of_frame, int64_t frames, const uint64_t *own, int64_t owns,
                    int64_t width, uint32_t *found, uint64_t *rows, int64_t room);

/* stacks/tree.py, StackTree.said. `says`: by frame what it says, a number less than `words`;
 * `keys`: by kind, of `whats`, whose it is, a number less than `keyed`; `kinds`, `nodes`: by row.
 * `found[key * words + word]` becomes 1 where a frame of a stack of that key says it. */
PASS int64_t said(const int32_t *parents, const uint32_t *frame_of, int64_t count,
                  const uint32_t *says, int64_t frames, const uint32_t *keys, int64_t whats,
                  const uint32_t *kinds, const int32_t *nodes, int64_t rows, int64_t keyed,
                  int64_t words, uint8_t *found);

/* stacks/beginnings.py, Beginnings._wholes: by node CPython's hash of (that of its caller's node,
 * or why the stack was cut; `numbers[node]`). */
PASS int64_t wholes(const int32_t *parents, const uint32_t *numbers, int64_t count, int64_t *found);

/* stacks/beginnings.py, Beginnings.answer, of many stacks: as stacks/packed_beginnings.py says.
 * `starts` (one more than `states`), `keys`, `values` (of `edges`): what is known of beginnings;
 * `begins` (one more than `questions`), `hashes`, `answers` (of `many`): of whole stacks, and their
 * numbers by node, `wholes`, which are there if `many` is not 0. `roots`: by question its state,
 * -1: none; `asked`: by kind of row, of `kinds`, its question. `of`, `nodes`, `within`, `found`,
 * `todo`: by row; says how many `todo` holds. */
PASS int64_t answered(const int32_t *parents, const uint32_t *numbers, int64_t count,
                      const int32_t *starts, int64_t states, const int32_t *keys,
                      const int32_t *values, int64_t edges, const int32_t *begins,
                      const int64_t *hashes, const int32_t *answers, int64_t many,
                      const int64_t *wholes, const int32_t *roots, int64_t questions,
                      const uint32_t *asked, int64_t kinds, const uint32_t *of,
                      const int32_t *nodes, const uint32_t *within, int64_t rows, int32_t *found,
                      uint32_t *todo);

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

/* purpose/questions.py, _keys_of_kinds: `numbers[at]` is the number of the kind of a group, from 1
 * on, 0 of a nested call; `firsts[number - 1]` the first group of that kind. By group, `count` of
 * them: `what`, `verdict`, `within` of its table, `there`: the steps of its stack. By what, `whats`
 * of them: `alike`, a number for what is asked the same; `names`, of its name; `is_call`. By
 * verdict, `verdicts` of them: `whose`. How many kinds there are. */
PASS int64_t asking_alike(const uint32_t *what, const uint32_t *verdict, const uint32_t *within,
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
