"""Column chunks: any integers come back; damaged ones are errors, never memory."""

import random
import zlib

import pytest

from alloctrace.columns import columns
from alloctrace.columns.columns import ColumnError, Packed


def round_trip(values, delta):
    packed = columns.encode(list(values), delta)
    return columns.decode(packed, delta, len(values)), packed.width, packed.data


@pytest.mark.parametrize("delta", [False, True])
def test_integers_come_back_modulo_2_64(delta):
    random.seed(7)
    for bits in (1, 7, 8, 15, 16, 31, 32, 63, 64):
        values = [random.getrandbits(bits) - (1 << bits >> 2) for _ in range(257)]
        wanted = [((v + 2**63) % 2**64) - 2**63 for v in values]
        assert round_trip(values, delta)[0] == wanted


def test_the_width_is_the_narrowest():
    cases = ([0] * 9, 0), ([7] * 9, 0), ([1, -128], 1), ([0, 255], 1), ([1000, 1255], 1)
    cases += ([0, 256], 2), ([0, 1 << 16], 4), ([0, 1 << 40], 8), ([1 << 63, 0], 8), ([], 0)
    for values, width in cases:
        assert round_trip(values, False)[1] == width


def test_delta_makes_clocks_narrow():
    clock = [10**15 + 100 * index for index in range(1000)]
    assert len(round_trip(clock, True)[2]) < 100 < len(round_trip(clock, False)[2])


@pytest.mark.parametrize("delta", [False, True])
def test_what_repeats_is_kept_once(delta):
    for period in range(1, columns.LONGEST_PERIOD + 1):
        pattern = [5000 * (index * index % 11) for index in range(period)]
        values = (pattern * 40)[:111]
        found, _, data = round_trip(values, delta)
        assert found == values and len(data) < 60
        found, _, data = round_trip(values[:-1] + [77], delta)
        assert found == values[:-1] + [77]


@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("wide", [0, 6, 13, 29, 61])
def test_integers_above_a_base_are_the_same(delta, wide):
    chance = random.Random(wide)
    for period in (1, 3, 200):
        once = [chance.randrange(-(1 << wide), 1 << wide) + 7919 for _ in range(period)]
        values = (once * 200)[:200]
        packed = columns.encode(values, delta)
        base, above = columns.decode_above(packed, delta, 200)
        assert [base + value for value in above] == values
        assert min(above) >= 0 or delta or packed.width == 8
    damaged = packed._replace(data=packed.data[:-1])
    with pytest.raises(ColumnError):
        columns.decode_above(damaged, delta, 200)


@pytest.mark.parametrize("delta", [False, True])
@pytest.mark.parametrize("high", [1, 200, 5000, 70000])
def test_rows_are_found_by_a_table_of_values(delta, high):
    chance = random.Random(high)
    for period in (1, 3, 200):
        values = ([chance.randrange(-40, high) for _ in range(period)] * 200)[:200]
        table = bytes(chance.randrange(2) for _ in range(high // 2))
        packed = columns.encode(values, delta)
        wanted = [0 <= value < len(table) and table[value] for value in values]
        assert list(columns.where(packed, delta, 200, table)) == wanted
    damaged = packed._replace(width=1, data=b"no zlib")
    with pytest.raises(ColumnError):
        columns.where(damaged, delta, 200, b"\1")


def test_a_bomb_is_refused_before_it_unfolds():
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    with pytest.raises(ColumnError, match="length"):
        columns.decode(Packed(1, 0, 1000, bomb), False, 1000)


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
        columns.decode(Packed(width, 0, count, data), False, count)


def test_the_whole_chunk_next_to_the_damage_is_fine():
    packed = Packed(1, 0, 2, zlib.compress(b"ab"))
    assert columns.decode(packed, False, 2) == [97, 98]
    assert columns.decode(packed, False, 3) == [97, 98, 97]
    assert columns.decode(packed, True, 3) == [97, 195, 292]


@pytest.mark.parametrize("period", [0, -1, 5, "2", None])
def test_a_period_that_cannot_be_is_refused(period):
    with pytest.raises(ColumnError):
        columns.decode(Packed(1, 0, period, zlib.compress(b"ab")), False, 4)
