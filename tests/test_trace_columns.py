"""Column chunks: any integers come back; damaged ones are errors, never memory."""

import random
import zlib

import pytest

from alloctrace import columns
from alloctrace.columns import ColumnError


def round_trip(values, delta):
    width, data = columns.encode(list(values), delta)
    return columns.decode(width, delta, data, len(values)), width, data


@pytest.mark.parametrize("delta", [False, True])
def test_integers_come_back_modulo_2_64(delta):
    random.seed(7)
    for bits in (1, 7, 8, 15, 16, 31, 32, 63, 64):
        values = [random.getrandbits(bits) - (1 << bits >> 2) for _ in range(257)]
        wanted = [((v + 2**63) % 2**64) - 2**63 for v in values]
        assert round_trip(values, delta)[0] == wanted


def test_the_width_is_the_narrowest():
    cases = ([0] * 9, 0), ([1, -128], 1), ([128], 2), ([40000], 4), ([1 << 40], 8), ([], 0)
    for values, width in cases:
        assert round_trip(values, False)[1] == width


def test_delta_makes_clocks_narrow():
    clock = [10**15 + 100 * index for index in range(1000)]
    assert len(round_trip(clock, True)[2]) < 100 < len(round_trip(clock, False)[2])


def test_a_bomb_is_refused_before_it_unfolds():
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    with pytest.raises(ColumnError, match="length"):
        columns.decode(1, False, bomb, 1000)


@pytest.mark.parametrize(
    "width, data, count",
    [
        (3, b"", 1),
        (8, b"no zlib", 1),
        (1, zlib.compress(b"ab"), 1),
        (1, zlib.compress(b"ab"), 3),
        (1, zlib.compress(b"ab") + b"x", 2),
        (1, zlib.compress(b"ab")[:-1], 2),
        (0, b"", columns.CHUNK + 1),
        (0, b"", -1),
        (1, "text", 4),
        (1, None, 4),
    ],
)
def test_damage_is_named(width, data, count):
    with pytest.raises(ColumnError):
        columns.decode(width, False, data, count)


def test_the_whole_chunk_next_to_the_damage_is_fine():
    assert columns.decode(1, False, zlib.compress(b"ab"), 2) == [97, 98]
