"""Where memory was asked for: allocations by the frame that decided on their origin.

A place may ask for several things: what is said of it as a whole is true of each of its
allocations, and `by_purpose` tells them apart, those of unknown purpose as well.
"""

from __future__ import annotations

import heapq
import itertools
from os.path import commonprefix  # of lists, too

from alloctrace import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Optional, Union

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Frame, Group, Purpose, Verdict

    Key = tuple[Optional[str], str, Optional[str], Optional[int], Optional[int], str]  # of PLACE
    # The text of a purpose, then its sums as SUMS: filled for each group, so a list.
    Part = list[Any]
    Parts = dict[Union[str, tuple[Optional[str], Optional[str]], None], Part]

SEVERAL = "several"
MOST_PURPOSES = 10  # of one place, told apart
STORED = (  # columns of the trace's table
    *("count", "bytes", "live_blocks", "live_bytes"),
    *("temporary_blocks", "temporary_bytes", "peak_bytes"),
)
SUMS = STORED + ("calls_reaching_kernel",)
PLACE = ("function", "module", "file", "line", "offset", "origin")
_VARIOUS, _CALLERS = "various", "callers'"  # what differs between purposes that are alike
_NUMBERS = ("N", "M", "K", "L")  # of the numbers that differ the first, the second …
ANY = "…"  # a number that differs within a group of events
_AROUND = "(),;:"  # of two words that differ these stay


def place(frame: Frame | None, origin: str) -> Key:
    """What tells one place from another, as PLACE. `frame`: the meaningful one, or None."""
    if frame is None:
        return None, "", None, None, None, origin
    offset = frame.offset if _needs_offset(frame, origin) else None
    return frame.function, frame.module, frame.file, frame.line, offset, origin


def distance(frame: Frame | None, key: Key) -> int | None:
    """From the first byte of its function to a place that `place` tells by its offset; None: it is
    told without, or not known."""
    offset, begun = key[4], frame.start if frame and frame.function else None
    if offset is None or begun is None or offset < begun:
        return None
    return offset - begun


def told(key: Key) -> dict[str, Any]:
    """A key of `place` as a summary tells it: a dict of PLACE, the offset hexadecimal."""
    row = dict(zip(PLACE, key))
    offset = key[4]
    return dict(row, offset=None if offset is None else hex(offset))


def key_of(row: dict[str, Any]) -> Key:
    """As `place` gives it, of a summary's site: the way back from `told`."""
    offset = row["offset"]
    values = dict(row, offset=None if offset is None else int(offset, 16))
    function, module, file, line, offset, origin = (values[name] for name in PLACE)
    return function, module, file, line, offset, origin


class Sites:
    """Adds up groups by place; `frame_of(stack, verdict)`: the one meaningful frame, or None.

    `at_peak(group)`: what it held at the peak that the report tells of; None: that of the run.
    """

    def __init__(
        self,
        frame_of: Callable[[int, Optional[Verdict]], Optional[Frame]],
        at_peak: Callable[[Group], int | None] | None = None,
    ) -> None:
        self._frame_of, self._at_peak = frame_of, at_peak or (lambda group: group.peak_bytes)
        # Place -> (distance, {purpose: part}); there may be a million.
        self._rows: dict[Key, tuple[int | None, Parts]] = {}

    def add(self, group: Group) -> None:
        if group.allocations:
            frame = self._frame_of(group.stack, group.verdict)
            parts = self._parts(frame, measure.origin(group))
            sums = (
                *(group.allocations, group.allocated, group.live_blocks, group.live_bytes),
                *(group.temporary_blocks, group.temporary_bytes),
            )
            _add(_part(parts, group.purpose), sums, self._at_peak(group), group.reached)

    def add_all(
        self,
        groups: GroupTable,
        frames: Sequence[Frame],
        deciders: Sequence[int],
        holds: Sequence[bool],
        peaks: Sequence[int] | None,
    ) -> None:
        """The same of many. `deciders`: of each the number of its meaningful one of `frames`, -1:
        none; `holds`: by their whats, whether they count; `peaks`: what each held at the peak that
        the report tells of, None: not known."""
        origins = [verdict.origin if verdict else "unknown" for verdict in groups.verdicts]
        purposes = groups.purposes
        found: dict[tuple[int, str], Parts] = {}
        rows = zip(
            groups.what,
            groups.verdict,
            groups.purpose,
            deciders,
            itertools.repeat(None) if peaks is None else peaks,
            groups.sums["reached"],
            zip(*[groups.sums[name] for name in _OF_GROUPS]),
        )
        for what, verdict, purpose, decider, at_peak, reached, sums in rows:
            if not sums[0] or not holds[what]:
                continue
            key = decider, origins[verdict]
            parts = found.get(key)
            if parts is None:
                frame = frames[decider] if decider >= 0 else None
                parts = found[key] = self._parts(frame, key[1])
            _add(_part(parts, purposes[purpose]), sums, at_peak, reached)

    def _parts(self, frame: Frame | None, origin: str) -> Parts:
        key = place(frame, origin)
        if key not in self._rows:
            self._rows[key] = distance(frame, key), {}
        return self._rows[key][1]

    def rows(self, limit: int | None = None, by: str = "bytes") -> list[dict[str, Any]]:
        """The contract's `sites`, the largest first by one of SUMS; all, or the `limit` first.

        `purpose`: what all its allocations were for, None where no purpose is known, SEVERAL where
        they differ; `purposes`: how many differ; `by_purpose`: those with most bytes, with their
        sums and their share of the place's bytes.
        """
        found = self._first(len(self._rows) if limit is None else limit, by)
        return [_finish(key, *self._rows[key], _together(self._rows[key][1])) for key in found]

    def stored(self) -> Iterator[tuple[Any, ...]]:
        """Yield of all places what the table `sites` of a trace holds, as `rows` tells it."""
        for function, module, file, line, offset, origin in self._first(len(self._rows)):
            key = function, module, file, line, offset, origin
            parts = self._rows[key][1]
            texts = {part[0] for part in parts.values()}
            text = texts.pop() if len(texts) == 1 else SEVERAL
            at = None if offset is None else hex(offset)
            sums = _together(parts)[1 : len(STORED) + 1]
            yield (function, module, file, line, at, origin, text, *sums)

    def _first(self, limit: int, by: str = "bytes") -> list[Key]:
        """The `limit` first places."""
        rows, at = self._rows, _AT[by]

        def rank(key: Key) -> tuple[Any, ...]:
            sums = _together(rows[key][1])
            function, module, file, line, offset, origin = key
            names = [str(origin), str(module), str(function), str(file)]
            return (-(sums[at] or 0), -sums[2], -sums[1], names, line or 0, offset or 0)

        return heapq.nsmallest(limit, rows, key=rank)

    def sum(self, name: str) -> int | None:
        """Of all places; None: not known."""
        total: int | None = 0
        for _, purposes in self._rows.values():
            total = _sum(total, _of_parts(purposes, name))
        return total

    def __len__(self) -> int:
        return len(self._rows)


def _needs_offset(frame: Frame, origin: str) -> bool:
    """Whether the function alone would take several places for one: of the loader and the runtimes
    it says enough."""
    return not frame.function or (not frame.line and origin in ("user", "unknown"))


_AT = {name: at for at, name in enumerate(SUMS, 1)}  # in a part, whose first is the text
_OF_PART = ("purpose", *SUMS)


# In the order of STORED, but for the peak.
_OF_GROUPS = (
    *("allocations", "allocated", "live_blocks", "live_bytes"),
    *("temporary_blocks", "temporary_bytes"),
)


def _add(part: Part, sums: tuple[int, ...], at_peak: int | None, reached: int) -> None:
    for at, value in enumerate(sums, 1):
        if value:
            part[at] += value
    part[7] = _sum(part[7], at_peak)
    part[8] += reached


def _of_parts(purposes: Parts, name: str) -> int | None:
    """The sum of all parts; None: not known."""
    values = [part[_AT[name]] for part in purposes.values()]
    return None if None in values else sum(values)


def _together(purposes: Parts) -> Part:
    """All parts as one, without a text of its own: that of most places is their only one."""
    parts = list(purposes.values())
    if len(parts) == 1:
        return parts[0]
    columns = list(zip(*parts))[1:]
    return [None, *[None if None in column else sum(column) for column in columns]]


def _part(parts: Parts, purpose: Purpose | None) -> Part:
    """Its purpose's part. What one rule says in several ways (of other sizes) is one."""
    text = purpose.text if purpose else None
    key = purpose.rule if text is not None and purpose else None
    part = parts.get(key)
    if part is None:
        part = parts[key] = _new(text)
    if text is None or part[0] == text:
        return part
    common = in_common(part[0], text)
    if common is None:
        return parts.setdefault((key, text), _new(text))
    part[0] = common
    return part


def _new(text: str | None) -> Part:
    return [text, *[0] * len(SUMS)]


def in_common(one: str, other: str) -> str | None:
    """The words of both texts. Numbers that differ are N, M …: `growing from N to M bytes`; what
    else differs is `various`. None: no word is the same."""
    ones, others = one.split(), other.split()
    if len(ones) == len(others):
        pairs = zip(ones, others)
        words = list(_lettered(a if a == b else _either(a, b) for a, b in pairs))
    else:
        ahead = len(list(commonprefix([ones, others])))
        rest = [ones[ahead:][::-1], others[ahead:][::-1]]
        behind = list(commonprefix(rest)[::-1])
        words = ones[:ahead] + [_VARIOUS] + behind
    differs = (_VARIOUS, *_NUMBERS)
    return " ".join(words) if any(word.strip(_AROUND) not in differs for word in words) else None


def _either(one: str, other: str) -> str:
    """Of two words that differ: `main's own` and `work's own` are `callers' own`."""
    is_whose = all(word == _CALLERS or word.endswith("'s") for word in (one, other))
    if is_whose:
        return _CALLERS
    ahead = "(" if one[0] == other[0] == "(" else ""
    behind = one[-1] if one[-1] == other[-1] and one[-1] in _AROUND else ""
    are_numbers = all(map(_is_number, (one, other)))
    return ahead + (_NUMBERS[0] if are_numbers else _VARIOUS) + behind


def _is_number(word: str) -> bool:
    word = word.strip(_AROUND)
    return word in _NUMBERS or word == ANY or (word.isascii() and word.isdigit())


def lettered(text: str) -> str:
    """`text` with a letter for each number that is ANY: `growing from N to M bytes`."""
    words = text.split(" ")
    is_any = [word.strip(_AROUND) == ANY for word in words]
    words = [word.replace(ANY, _NUMBERS[0]) if any_ else word for word, any_ in zip(words, is_any)]
    return " ".join(_lettered(words))


def _lettered(words: Iterable[str]) -> Iterator[str]:
    """Numbers that differ have the letters in their order."""
    letters = iter(_NUMBERS)
    for word in words:
        bare = word.strip(_AROUND)
        yield word.replace(bare, next(letters, _VARIOUS)) if bare in _NUMBERS else word


def _finish(key: Key, distance: int | None, purposes: Parts, sums: Part) -> dict[str, Any]:
    """`sums`: of all `purposes` together."""
    row = dict(told(key), distance=distance)
    row.update(zip(SUMS, sums[1:]))
    parts = _by_text(purposes)
    parts.sort(key=lambda p: (-p["bytes"], -p["count"], p["purpose"] or ""))
    row["purpose"] = parts[0]["purpose"] if len(parts) == 1 else SEVERAL
    row["purposes"] = len(parts)
    row["by_purpose"] = [dict(part, share=_share(part, row)) for part in parts[:MOST_PURPOSES]]
    return row


def _by_text(purposes: Parts) -> list[dict[str, Any]]:
    """Rules that say the same are one purpose."""
    found: dict[str | None, dict[str, Any]] = {}
    for part in purposes.values():
        same = found.get(part[0])
        if same is None:
            found[part[0]] = dict(zip(_OF_PART, part))
            continue
        for name, value in zip(SUMS, part[1:]):
            same[name] = _sum(same[name], value)
    return list(found.values())


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _share(part: dict[str, Any], row: dict[str, Any]) -> float:
    """Of its bytes, or where it asked for none, of its allocations."""
    by = "bytes" if row["bytes"] else "count"
    return float(part[by] / row[by]) if row[by] else 0
