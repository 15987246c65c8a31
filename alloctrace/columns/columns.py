"""Columns of integers, compressed: how a trace holds its events. docs/trace-format.md.

A column is at most CHUNK values, modulo 2^64 as signed. Each is `base` plus a difference, or where
`delta` is set plus the sum of all differences so far. The differences repeat after `period` rows;
they are little-endian integers of `width` bytes, all lowest bytes first, then all second ones …,
compressed by zlib. Width 0 has no data: all differences are 0.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import namedtuple
from itertools import accumulate, compress

from alloctrace import kernels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import NamedTuple, TypeVar

    _Values = TypeVar("_Values", "list[int]", "array[int]", bytes)

CHUNK = 65536
MASK64 = (1 << 64) - 1
SIGN = 1 << 63
_LOW = 1 << 62
LONGEST_PERIOD = 8
LEVEL = 6
_TYPES = ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
_TYPE = dict(_TYPES)
_OTHER_SIGN = bytes(byte ^ 0x80 for byte in range(256))

if TYPE_CHECKING:

    class Packed(NamedTuple):
        width: int
        base: int
        period: int
        data: bytes

else:
    Packed = namedtuple("Packed", "width base period data")


class ColumnError(ValueError):
    """A chunk is damaged."""


def encode(values: list[int], delta: bool) -> Packed:
    """The Packed of a list of integers."""
    values = _wrapped(values)
    if not values:
        return Packed(0, 0, 0, b"")
    base, rest = _deltas(values) if delta else _offsets(values)
    period = _period(rest)
    width, code = _narrowest(min(rest), max(rest))
    if not width:
        return Packed(0, base, period, b"")
    packed = array(code, rest[:period])
    if sys.byteorder == "big":
        packed.byteswap()
    raw = packed.tobytes()
    planes = b"".join(raw[plane::width] for plane in range(width))
    return Packed(width, base, period, zlib.compress(planes, LEVEL))


def _wrapped(values: list[int]) -> list[int]:
    """Modulo 2^64, as signed."""
    if values and (min(values) < -SIGN or max(values) >= SIGN):
        return [((value + SIGN) & MASK64) - SIGN for value in values]
    return values


def _deltas(values: list[int]) -> tuple[int, list[int]]:
    """The first difference is free, for the base makes up for it: let it be like another one."""
    steps = _wrapped([b - a for a, b in zip(values, values[1:])]) or [0]
    period = _period(steps)
    first = steps[period - 1] if period < len(steps) else steps[0]
    return _wrapped([values[0] - first])[0], [first] + steps[: len(values) - 1]


def _offsets(values: list[int]) -> tuple[int, list[int]]:
    """Differences to the middle of the range, so that the fewest bytes hold them."""
    low, range_ = min(values), max(values) - min(values)
    width = next((w for w in (0, 1, 2, 4) if range_ < 1 << 8 * w), 8)
    base = low + ((1 << 8 * width - 1) if 0 < width < 8 else 0) if width < 8 else 0
    return base, [value - base for value in values] if base else values


def _period(values: list[int]) -> int:
    """The shortest period with which they repeat, or how many there are."""
    for period in range(1, min(LONGEST_PERIOD, (len(values) - 1) // 2) + 1):
        if values[period] == values[0] and values[period:] == values[:-period]:
            return period
    return len(values)


def _narrowest(low: int, high: int) -> tuple[int, str]:
    if not (low or high):
        return 0, ""
    for width, code in _TYPES:
        limit = 1 << (8 * width - 1)
        if -limit <= low and high < limit:
            return width, code
    raise ValueError("no integer of 64 bits: %d, %d" % (low, high))


def decode(packed: Packed, delta: bool, count: int) -> list[int]:
    """The `count` integers of a Packed, signed; raises ColumnError, never uses more memory."""
    base, values = _unpacked(packed, count)
    if values is None:
        return _wrapped([base]) * count
    # No 2^16 of 4 bytes each lead from so low a number beyond 2^63.
    wrapped = _same if packed.width < 8 and -_LOW < base < _LOW else _wrapped
    if delta:
        sums = accumulate(_repeated(values, count), initial=base)
        next(sums)
        return wrapped(list(sums))
    if not base:
        return _repeated(values.tolist(), count)
    return _repeated(wrapped([value + base for value in values]), count)


def _same(values: list[int]) -> list[int]:
    return values


def decode_above(packed: Packed, delta: bool, count: int) -> tuple[int, Sequence[int]]:
    """(base, list or array): what is to be added to each of its integers: who reads many can do so
    with their sums. Where they are narrow it is of no negative ones."""
    if delta or packed.width == 8:
        return 0, decode(packed, delta, count)
    base, values = _unpacked(packed, count, True)
    if values is None:
        return base, [0] * count
    return base - (1 << 8 * packed.width - 1), _repeated(values, count)


def decode_rows(packed: Packed, delta: bool, count: int, rows: Sequence[int]) -> list[int]:
    """As decode, of the rows (indexes) that somebody asks for: few of many."""
    base, values = _unpacked(packed, count)
    if values is None:
        return _wrapped([base]) * len(rows)
    if delta:
        sums = list(accumulate(_repeated(values, count), initial=base))
        return _wrapped([sums[row + 1] for row in rows])
    period = len(values)
    return _wrapped([values[row % period] + base for row in rows])


def where(packed: Packed, delta: bool, count: int, table: bytes) -> bytes:
    """Bytes: of each row what `table` holds for its value, 0 where that is beyond it. Of narrow
    columns no value is made: who looks for few of many rows need not look at all."""
    if delta or packed.width not in (0, 1, 2):
        held = [value if 0 <= value < len(table) else -1 for value in decode(packed, delta, count)]
        return bytes(map((bytes(table) + b"\0").__getitem__, held))
    width, base, _, data = packed
    if not 0 <= count <= CHUNK:
        raise ColumnError("a chunk of %d values" % count)
    if not width:
        return _part(table, base, 1) * count
    rows = _rows_of(packed, count)
    planes = _inflate(data, width * rows)
    low = planes[:rows]
    if width == 1:
        part = low.translate(_signed(_part(table, base - 128, 256)))
    else:
        part = _by_planes(low, planes[rows:], table, base)
    return _repeated(part, count)


def marked(
    packed: Packed, delta: bool, count: int, table: bytes
) -> tuple[Sequence[int], Sequence[int]]:
    """(rows for whose value `table` holds more than 0, what it holds)."""
    if count >= kernels.FEWEST:
        joined = join([(packed, delta)], count)
        if joined is not None:
            rows, marks = array("i", bytes(4 * count)), bytearray(count)
            given = bytes(table), len(table), rows, marks
            found = kernels.run("marked", joined[0], len(joined[0]), joined[1], count, *given)
            if found is not None and found >= 0:
                return rows[:found], marks[:found]
    held = where(packed, delta, count, table)
    return list(compress(range(count), held)), held.translate(None, b"\0")


def join(found: Iterable[tuple[Packed, bool]], count: int) -> tuple[bytes, array[int]] | None:
    """(bytes, shapes) of columns of `count` values as passes in C take them; None: what they say of
    themselves cannot be."""
    shapes, at, data = array("q"), 0, []
    try:
        if not 0 <= count <= CHUNK:
            return None
        for (width, base, period, packed), delta in found:
            data.append(packed)
            shapes.extend((at, len(packed), width, bool(delta), base, period))
            at += len(packed)
        return b"".join(data), shapes
    except (TypeError, OverflowError):
        return None


def _by_planes(low: bytes, high: bytes, table: bytes, base: int) -> bytes:
    found = 0
    for sign in _distinct(high):
        values = _part(table, base + 256 * ((sign ^ 0x80) - 0x80), 256)
        if any(values):
            only = bytes(sign) + b"\xff" + bytes(255 - sign)
            here = int.from_bytes(high.translate(only), "little")
            found |= here & int.from_bytes(low.translate(values), "little")
    return found.to_bytes(len(low), "little")


def _distinct(data: bytes) -> set[int]:
    """Its bytes. Mostly there are few: then this is several times as fast as a set."""
    found: set[int] = set()
    while data and len(found) < 16:
        found.add(data[0])
        data = data.translate(None, data[:1])
    return found | set(data)


def _part(table: bytes, first: int, count: int) -> bytes:
    """`count` bytes of it from `first` on, which may lie outside."""
    inside = bytes(table[max(0, first) : max(0, first + count)])
    return (bytes(min(count, max(0, -first))) + inside).ljust(count, b"\0")


def _signed(values: bytes) -> bytes:
    """In the order of bytes that hold signed numbers."""
    return values[128:] + values[:128]


def _rows_of(packed: Packed, count: int) -> int:
    period = packed.period
    if period != count and period not in range(1, min(count, LONGEST_PERIOD + 1)):
        raise ColumnError("a column that repeats after %r rows" % (period,))
    return period


def _unpacked(packed: Packed, count: int, above: bool = False) -> tuple[int, array[int] | None]:
    """(base, the differences of one period as an array); None: there are none. `above`: to the
    least that their width can hold, so that none is negative."""
    width, base, _, data = packed
    if not 0 <= count <= CHUNK:
        raise ColumnError("a chunk of %d values" % count)
    if not isinstance(base, int):
        raise ColumnError("a column that begins with no whole number")
    if width == 0:
        return base, None
    if width not in _TYPE:
        raise ColumnError("integers of %r bytes" % (width,))
    return base, _integers(width, _rows_of(packed, count), data, above)


def _repeated(values: _Values, count: int) -> _Values:
    if len(values) == count:
        return values
    return (values * (count // len(values) + 1))[:count]


def _integers(width: int, count: int, data: bytes, above: bool) -> array[int]:
    planes, raw = _inflate(data, width * count), bytearray(width * count)
    for plane in range(width):
        part = planes[plane * count : (plane + 1) * count]
        has_sign = above and plane == width - 1
        raw[plane::width] = part.translate(_OTHER_SIGN) if has_sign else part
    packed = array(_TYPE[width].upper() if above else _TYPE[width])
    packed.frombytes(raw)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


_inflated = (b"", b"")  # the last one: who asks a column for two things asks at once


def _inflate(data: bytes, size: int) -> bytes:
    global _inflated
    if data is not _inflated[0] or len(_inflated[1]) != size:
        _inflated = data, _inflate_anew(data, size)
    return _inflated[1]


def _inflate_anew(data: bytes, size: int) -> bytes:
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(data, size + 1)
    except (zlib.error, TypeError, ValueError) as error:
        raise ColumnError(str(error)) from None
    if len(raw) != size or not inflater.eof or inflater.unused_data:
        raise ColumnError("a chunk of another length than its count")
    return raw
