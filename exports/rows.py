"""A table of a trace's events, or of its places, as texts: what CSV and NDJSON write.

Events are turned column by column, never one by one: ten million are written in the time of a
coffee. `look` says how a format writes what there is: `look.key(column)` in front of a value, a
number's digits, `look.address`, `look.none`, and `look.rest` of what all events of a group share.
"""

from __future__ import annotations

from itertools import chain, repeat
from operator import sub

from alloctrace import measure
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import EVENT_COLUMNS, PRESENT, SIGNED_SIZE

from . import maker, regions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, BinaryIO, Protocol

    from alloctrace.model import Frame
    from alloctrace.trace.read import Trace

    class Look(Protocol):
        none: str
        address: str

        def key(self, __name: str) -> str:
            ...

        def row(self, __names: Sequence[str], __values: Iterable[object]) -> str:
            ...

        def rest(self, __names: Sequence[str], __values: Iterable[object]) -> str:
            ...


OWN = "seq t_ns dur_ns tid size nmemb align ptr result errno block cause outer".split()
ALIKE = (
    "pid image kind name impl phase origin owner direct purpose function module offset file line"
    " region"
).split()
EVENTS = tuple(OWN + ALIKE)
SITES = (
    "function module offset file line origin purpose count bytes live_blocks live_bytes"
    " temporary_blocks temporary_bytes peak_bytes"
).split()
_STORED = [name for name, _ in EVENT_COLUMNS if name != "args"]
_NEW = ("seq", "t_ns", "block")  # numbers that seldom come again
_TOGETHER = 1 << 10  # rows: what is at hand stays in the processor's cache
_MOST_TEXTS = 1 << 16  # that are kept


def events(out: BinaryIO, trace: Trace, look: Look) -> None:
    """Write all events."""
    texts = _Texts(trace, look)
    with maker.started(trace, out, "rows", *_told(look)) as made:
        if made is not None:
            made.follow(
                _STORED, lambda ids: b"".join(maker.text(texts[id_].encode()) for id_ in ids)
            )
            for _ in made.results():
                pass
            return
    for piece in _Rows(trace, look, texts).pieces():
        out.write(piece)


def _told(look: Look) -> list[bytes]:
    """What the program that makes bytes must know: what stands for nothing, around an address, and
    in front of each value."""
    said = [look.none, *look.address.split("%x"), *map(look.key, OWN)]
    return [value.encode() for value in said]


class _Rows:
    def __init__(self, trace: Trace, look: Look, texts: _Texts) -> None:
        self._trace, self._texts = trace, texts
        self._written = {name: _Written(name, look) for name in OWN}

    def pieces(self) -> Iterator[bytes]:
        """Yield all rows as bytes."""
        for first, found in self._trace.chunk_columns(_STORED):
            chunk: dict[str, Sequence[int]] = dict(zip(_STORED, found))
            chunk["seq"] = range(first, first + len(chunk["group"]))
            for begin in range(0, len(chunk["group"]), _TOGETHER):
                part = {name: values[begin : begin + _TOGETHER] for name, values in chunk.items()}
                rows = zip(*self._columns(part))
                yield "".join(chain.from_iterable(rows)).encode()

    def _columns(self, part: dict[str, Sequence[int]]) -> Iterator[Iterable[str]]:
        """What follows one another in each row; joined they are the rows, with their ends."""
        known = set(part["present"])
        for name in OWN:
            written = self._written[name]
            if name in _NEW:
                yield repeat(written.key)
            yield _column(name, part, known, written)
        yield map(self._texts.__getitem__, part["group"])


def _column(
    name: str, part: dict[str, Sequence[int]], known: set[int], written: _Written
) -> Iterable[str]:
    """The texts of some rows. `known`: the different values of `present`."""
    values: Iterable[int] = part[name]
    present, bit = part["present"], PRESENT.get(name)
    if name in ("cause", "outer") and any(map(PRESENT[name].__and__, known)):
        values = map(sub, part["seq"], values)
    if name == "size" and min(values) < 0:
        pairs = zip(values, present)
        values = [v if has & SIGNED_SIZE else v & MASK64 for v, has in pairs]
    if bit is not None and not all(map(bit.__and__, known)):
        if not any(map(bit.__and__, known)):
            return repeat(written[None])
        none = written[None]
        return [written[v] if has & bit else none for v, has in zip(values, present)]
    if name in _NEW:
        return map(str, values)
    return map(written.__getitem__, values)


class _Written(dict["int | None", str]):
    """{number: its text, with its key in front}, made once: sizes and addresses come again.
    Addresses are hexadecimal text, for no reader's numbers hold 64 bits for sure; None is
    `look.none`. Where numbers are new each time `key` is a column of its own."""

    def __init__(self, name: str, look: Look) -> None:
        super().__init__()
        self.key, self._none = look.key(name), look.none
        self._before = "" if name in _NEW else self.key
        self._address = look.address if name in ("ptr", "result") else ""
        self._is_unsigned = name in ("nmemb", "align")

    def __missing__(self, value: int | None) -> str:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        text = self._none if value is None else self._text(value)
        self[value] = made = self._before + text
        return made

    def _text(self, value: int) -> str:
        if self._address:
            return self._address % (value & MASK64)
        return str(value & MASK64 if self._is_unsigned else value)


class _Texts(dict[int, str]):
    """{id of a group: the text of what all its events have in common}."""

    def __init__(self, trace: Trace, look: Look) -> None:
        super().__init__()
        self._trace, self._look, self._groups = trace, look, trace.sums().groups
        self._named = regions.Named(trace)

    def __missing__(self, id_: int) -> str:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        group = self._groups.bare(id_ - 1)
        frame = self._trace.tree.deciding_frame(group.stack, group.verdict)
        said = group.verdict
        values: list[Any] = [group.pid, group.image, group.kind, group.name, group.impl]
        values.append(group.phase)
        values += [measure.origin(group), said.owner if said else None]
        values += [said.direct if said else None, measure.purpose(group), *_place(frame)]
        values.append(self._named.path(group.region))
        self[id_] = made = self._look.rest(ALIKE, values)
        return made


def _place(frame: Frame | None) -> tuple[Any, ...]:
    if frame is None:
        return (None,) * 5
    return frame.function, frame.module or None, hex(frame.offset), frame.file, frame.line


def sites(trace: Trace, look: Look) -> Iterator[str]:
    """Yield a text a place that allocates: `look.row` of SITES."""
    for row in trace.sites():
        yield look.row(SITES, [row.get(name) for name in SITES])
