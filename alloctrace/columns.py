"""Columns of integers, compressed: how a trace holds its events. docs/trace-format.md.

A column chunk is at most CHUNK values, taken modulo 2^64 as signed, each minus the one before it
where `delta` is set, in little-endian integers of `width` bytes, compressed by zlib. Width 0 has
no data: all zeros.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from itertools import accumulate

CHUNK = 65536
MASK64 = (1 << 64) - 1
SIGN = 1 << 63
_TYPES = ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
_TYPE = dict(_TYPES)
LEVEL = 6


class ColumnError(ValueError):
    """A chunk is damaged."""


def encode(values, delta):
    """(width, data) of a list of integers."""
    if delta:
        values = [a - b for a, b in zip(values, [0] + values[:-1])]
    if not values or not (min(values) or max(values)):
        return 0, b""
    if min(values) < -SIGN or max(values) >= SIGN:
        values = [((value + SIGN) & MASK64) - SIGN for value in values]
    width, code = _narrowest(min(values), max(values))
    packed = array(code, values)
    if sys.byteorder == "big":
        packed.byteswap()
    return width, zlib.compress(packed.tobytes(), LEVEL)


def _narrowest(low, high):
    for width, code in _TYPES:
        limit = 1 << (8 * width - 1)
        if -limit <= low and high < limit:
            return width, code
    raise ValueError("no integer of 64 bits: %d, %d" % (low, high))


def decode(width, delta, data, count):
    """The `count` integers of a chunk, signed; raises ColumnError, never uses more memory."""
    if not 0 <= count <= CHUNK:
        raise ColumnError("a chunk of %d values" % count)
    if width == 0:
        return [0] * count
    if width not in _TYPE:
        raise ColumnError("integers of %r bytes" % (width,))
    packed = array(_TYPE[width])
    packed.frombytes(_inflate(data, width * count))
    if sys.byteorder == "big":
        packed.byteswap()
    if not delta:
        return packed.tolist()
    return [((value + SIGN) & MASK64) - SIGN for value in accumulate(packed)]


def _inflate(data, size):
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(data, size + 1)
    except (zlib.error, TypeError, ValueError) as error:
        raise ColumnError(str(error)) from None
    if len(raw) != size or not inflater.eof or inflater.unused_data:
        raise ColumnError("a chunk of another length than its count")
    return raw
