"""Damages bytes in the ways that files get damaged, reproducibly."""

import os
import struct

# `make fuzz` looks at many more.
CASES = int(os.environ.get("BRKPOINT_FUZZ", "15"))
EXTREMES = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 62, 1 << 63, (1 << 64) - 1)


def mutate(random, data):
    """A copy of `data` with one to four accidents."""
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        random.choice((_flip, _flip, _flip, _number, _cut, _splice, _erase))(random, data)
    return bytes(data)


def _at(random, data):
    return random.randrange(len(data)) if data else 0


def _flip(random, data):
    if data:
        data[_at(random, data)] ^= 1 << random.randrange(8)


def _number(random, data):
    at, width = _at(random, data), random.choice((1, 2, 4, 8))
    value = random.choice(EXTREMES) % (1 << 8 * width)
    order = random.choice("<>")
    data[at : at + width] = struct.pack(order + {1: "B", 2: "H", 4: "I", 8: "Q"}[width], value)


def _cut(random, data):
    if random.random() < 0.2:
        del data[_at(random, data) :]


def _splice(random, data):
    at, length = _at(random, data), random.randrange(64)
    data[at:at] = data[_at(random, data) :][:length]


def _erase(random, data):
    at = _at(random, data)
    del data[at : at + random.randrange(64)]
