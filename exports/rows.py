"""A table of a trace's events, or of its places, as texts: what CSV and NDJSON write.

Events are turned column by column, never one by one: ten million are written in the time of a
coffee. `look` says how a format writes what there is: `look.text(str)`, `look.none`.
"""

from __future__ import annotations

from itertools import repeat
from operator import sub

from alloctrace import measure
from alloctrace.columns.check import TraceError, checked
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import EVENT_COLUMNS, PRESENT, SIGNED_SIZE

OWN = "seq t_ns dur_ns tid size nmemb align ptr result errno block cause outer".split()
ALIKE = (
    "pid image kind name impl phase origin owner direct purpose function module offset file line"
).split()
EVENTS = tuple(OWN + ALIKE)
SITES = (
    "function module offset file line origin purpose count bytes live_blocks live_bytes"
    " temporary_blocks temporary_bytes peak_bytes"
).split()
_STORED = [name for name, _ in EVENT_COLUMNS if name != "args"]
_NEW = ("seq", "t_ns", "block")  # numbers that seldom come again
_TOGETHER = 1 << 12  # rows: what is at hand stays in the processor's cache
_MOST_TEXTS = 1 << 16  # that are kept


def events(trace, look):
    """Yield some rows at a time, as an iterator of tuples of texts: those of OWN, and one more that
    is `look.row` of those of ALIKE."""
    groups = trace.sums().groups
    texts = _Texts(trace, look)
    written = {name: _Written(name, look) for name in OWN}
    with checked():
        for first, found in trace.chunk_columns(_STORED):
            chunk = dict(zip(_STORED, found))
            _check(chunk, first, len(groups))
            chunk["seq"] = range(first, first + len(chunk["group"]))
            for begin in range(0, len(chunk["group"]), _TOGETHER):
                part = {name: values[begin : begin + _TOGETHER] for name, values in chunk.items()}
                known = set(part["present"])
                columns = [_column(name, part, known, written[name]) for name in OWN]
                yield zip(*columns, map(texts.__getitem__, part["group"]))


def _check(chunk, first, groups):
    """A stranger's chunk must not lead outside."""
    if min(chunk["group"]) < 1 or max(chunk["group"]) > groups:
        raise TraceError("damaged: an event behind %d is of no group" % first)


def _column(name, part, known, written):
    """The texts of some rows. `known`: the different values of `present`."""
    values, present, bit = part[name], part["present"], PRESENT.get(name)
    if name in ("cause", "outer") and any(map(bit.__and__, known)):
        values = list(map(sub, part["seq"], values))
    if name == "size" and min(values) < 0:
        pairs = zip(values, present)
        values = [v if has & SIGNED_SIZE else v & MASK64 for v, has in pairs]
    if bit is not None and not all(map(bit.__and__, known)):
        if not any(map(bit.__and__, known)):
            return repeat(written[None], len(present))
        values = [v if has & bit else None for v, has in zip(values, present)]
    elif name in _NEW:
        return map(str, values)
    return map(written.__getitem__, values)


class _Written(dict):
    """{number: its text}, made once: sizes and addresses come again. Addresses are hexadecimal
    text, for no reader's numbers hold 64 bits for sure; None is `look.none`."""

    def __init__(self, name, look):
        super().__init__()
        self._none, self._address = look.none, name in ("ptr", "result") and look.address
        self._is_unsigned = name in ("nmemb", "align")

    def __missing__(self, value):
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[value] = made = self._none if value is None else self._text(value)
        return made

    def _text(self, value):
        if self._address:
            return self._address % (value & MASK64)
        return str(value & MASK64 if self._is_unsigned else value)


class _Texts(dict):
    """{id of a group: the text of what all its events have in common}."""

    def __init__(self, trace, look):
        super().__init__()
        self._trace, self._look, self._groups = trace, look, trace.sums().groups

    def __missing__(self, id_):
        if len(self) >= _MOST_TEXTS:
            self.clear()
        group = self._groups.bare(id_ - 1)
        frame = self._trace.tree.deciding_frame(group.stack, group.verdict)
        said = group.verdict
        values = [group.pid, group.image, group.kind, group.name, group.impl, group.phase]
        values += [measure.origin(group), said.owner if said else None]
        values += [said.direct if said else None, measure.purpose(group), *_place(frame)]
        self[id_] = made = self._look.row(ALIKE, values)
        return made


def _place(frame):
    if frame is None:
        return (None,) * 5
    return frame.function, frame.module or None, hex(frame.offset), frame.file, frame.line


def sites(trace, look):
    """Yield a text a place that allocates: `look.row` of SITES."""
    for row in trace.sites():
        yield look.row(SITES, [row.get(name) for name in SITES])
