"""Beginnings of stacks as arrays: so they are kept, and looked through for many stacks at once.

A state is a table of Beginnings: its edges are sorted by frame and lead to another state, or, as
-1 - N, to answer N. The first states are those of the questions.
"""

from __future__ import annotations

from array import array
from itertools import chain

from alloctrace import kernels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Packed = tuple[list[Any], bytes, bytes, bytes]  # questions, starts, keys, values
    Whole = dict[Any, dict[int, int]]

NOTHING: Packed = ([], array("i", [0]).tobytes(), b"", b"")


def packed(roots: dict[Any, Any]) -> Packed:
    """Of Beginnings.roots."""
    tables: list[dict[int, Any]] = list(roots.values())
    starts, keys, values = array("i", [0]), array("i"), array("i")
    for table in tables:  # it grows meanwhile
        for key, found in sorted(table.items()):
            keys.append(key)
            values.append(len(tables) if type(found) is dict else -1 - found[0])
            if type(found) is dict:
                tables.append(found)
        starts.append(len(keys))
    return list(roots), starts.tobytes(), keys.tobytes(), values.tobytes()


def unpacked(told: Packed) -> dict[Any, Any]:
    """The roots again."""
    questions, starts, keys, values = told[0], *map(_numbers, told[1:])
    tables: list[dict[int, Any]] = [{} for _ in range(len(starts) - 1)]
    for state, table in enumerate(tables):
        edges = range(starts[state], starts[state + 1])
        table.update((keys[at], _led(values[at], tables)) for at in edges)
    return dict(zip(questions, tables))


def merge(roots: dict[Any, Any], more: dict[Any, Any]) -> int:
    """Put into `roots` what `more` has as well; equal questions have equal answers. Says by how
    many tables, those of questions apart, there are fewer than in both; that is 0 or less."""
    waiting, questions = [(roots, more)], 0
    for table, new in waiting:  # it grows meanwhile
        for key, value in new.items():
            known = table.get(key)
            if type(known) is dict and type(value) is dict:
                waiting.append((known, value))
                questions += table is roots
            else:
                table[key] = value
    return 1 + questions - len(waiting)


def _led(value: int, tables: list[dict[int, Any]]) -> Any:
    return (-1 - value,) if value < 0 else tables[value]


def _numbers(data: bytes) -> array[int]:
    return array("i", data)


def known(
    told: Packed,
    whole: Whole,
    wholes: array[int] | None,
    tree: tuple[array[int], array[int]],
    asked: tuple[Sequence[Any], array[int], array[int], array[int]],
) -> tuple[array[int], array[int]] | None:
    """(by row the number of its answer, -1 where it is not known; the rows where it is not known or
    is met first); None: each is to be asked by itself.

    `asked`: the questions by kind, and by row its kind, its node, and 1 more than the row that it
    lies in: of such rows none is looked for. `wholes`: by node its whole stack's number, None where
    that says nothing; `tree`: by node its caller's and the number of its frame.
    """
    questions, of, nodes, within = asked
    if not told[0] or len(of) < kernels.FEWEST:
        return None
    (first, *rest), (parents, numbers) = told, tree
    starts, keys, values = map(_numbers, rest)
    number = {question: at for at, question in enumerate(dict.fromkeys(questions))}
    asked_by = array("I", map(number.__getitem__, questions))
    state = {question: at for at, question in enumerate(first)}
    roots = array("i", [state.get(question, -1) for question in number])
    begins, hashes, answers = _sorted(whole if wholes is not None else {}, list(number))
    found, todo = array("i", bytes(4 * len(of))), array("I", bytes(4 * len(of)))
    edges = starts, len(starts) - 1, keys, values, len(keys)
    of_whole = begins, hashes, answers, len(hashes), wholes or array("q")
    rows = roots, len(number), asked_by, len(questions), of, nodes, within, len(of)
    lines = parents, numbers, len(parents)
    many = kernels.run("answered", *lines, *edges, *of_whole, *rows, found, todo)
    return None if many is None or many < 0 else (found, todo[:many])


def _sorted(whole: Whole, questions: Sequence[Any]) -> tuple[array[int], array[int], array[int]]:
    """By question where its rows begin; the whole stacks, sorted, and their answers."""
    rows = [sorted(whole.get(question, {}).items()) for question in questions]
    begins = array("i", [0])
    for row in rows:
        begins.append(begins[-1] + len(row))
    flat = list(chain.from_iterable(rows))
    return begins, array("q", [one for one, _ in flat]), array("i", [answer for _, answer in flat])
