"""Messages as protobuf writes them: protobuf.dev/programming-guides/encoding. The standard library
has no writer."""

from __future__ import annotations

MASK64 = (1 << 64) - 1
_ONE_BYTE = [bytes((value,)) for value in range(128)]


def varint(value):
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


def number(field, value):
    """A varint field; 0 is what a reader takes where there is none."""
    return varint(field << 3) + varint(value) if value else b""


def data(field, content):
    """A field of bytes: a message, packed numbers."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field, value):
    return data(field, value.encode("utf-8", "backslashreplace"))


def numbers(field, values):
    """A packed repeated field."""
    return data(field, b"".join(map(varint, values)))


def fixed64(field, value):
    return varint(field << 3 | 1) + (value & MASK64).to_bytes(8, "little")
