"""Messages as protobuf writes them: protobuf.dev/programming-guides/encoding. The standard library
has no writer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MASK64 = (1 << 64) - 1
_ONE_BYTE = [bytes((value,)) for value in range(128)]


def varint(value: int) -> bytes:
    """A whole number; a negative one as its 64 bits."""
    value &= MASK64
    if value < 128:
        return _ONE_BYTE[value]
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> bytes:
    """A varint field; 0 is what a reader takes where there is none."""
    return varint(field << 3) + varint(value) if value else b""


def data(field: int, content: bytes) -> bytes:
    """A field of bytes: a message, packed numbers."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    return data(field, value.encode("utf-8", "backslashreplace"))


def numbers(field: int, values: Iterable[int]) -> bytes:
    """A packed repeated field."""
    return data(field, b"".join(map(varint, values)))


def fixed64(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + (value & MASK64).to_bytes(8, "little")
