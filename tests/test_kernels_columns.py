"""Passes in C over packed columns: each says what alloctrace/columns/ says in Python."""

import functools
import random
import zlib
from array import array

import pytest

from alloctrace import kernels
from alloctrace.columns import columns, events, group_table
from alloctrace.columns.columns import ColumnError, Packed
from test_kernels import both, library  # noqa: F401


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Of so small columns too."""
    monkeypatch.setattr(kernels, "FEWEST", 0)


def made(chance, count):
    """{name: (Packed, delta)}: narrow and wide ones, with and without a period, ends of 64 bits."""
    found = {}
    for bits in (0, 3, 8, 15, 31, 40, 64):
        for period in (1, 3, count):
            values = [chance.getrandbits(bits) - (1 << bits >> 1) for _ in range(period)]
            values = (values * count)[:count]
            for delta in (False, True):
                found["%d %d %s" % (bits, period, delta)] = columns.encode(values, delta), delta
    return found


def asked(ask):
    """What it gives, or how it fails."""
    try:
        return ask()
    except (ColumnError, TypeError) as error:
        return type(error)


@pytest.mark.parametrize("count", [1, 2, 9, 300])
def test_unpack(both, count):  # noqa: F811
    chance = random.Random(count)
    found = made(chance, count)
    few = sorted(chance.sample(range(count), min(count, 7)))
    for rows in (None, few, few[::-1], []):
        with_it, without = both(lambda: events.unpack(found, count, found, rows))  # noqa: B023
        assert with_it == without and len(with_it) == len(found)


def test_marked(both):  # noqa: F811
    chance = random.Random(5)
    for count in (1, 9, 300):
        for packed, delta in made(chance, count).values():
            for size in (0, 1, 5, 70000):
                table = bytes(chance.choice((0, 0, 1, 16)) for _ in range(size))
                with_it, without = both(
                    lambda: [*map(list, columns.marked(packed, delta, count, table))]  # noqa: B023
                )
                assert with_it == without


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 3},
        {"width": 8},
        {"width": -1},
        {"base": 1 << 70},
        {"base": None},
        {"period": 0},
        {"period": -1},
        {"period": 9},
        {"period": "2"},
        {"data": b""},
        {"data": None},
        {"data": "text"},
        {"data": zlib.compress(b"ab") + b"x"},
        {"data": zlib.compress(bytes(1 << 20))},
    ],
)
def test_twin_damage_is_left_to_python(both, library, changed):  # noqa: F811
    whole = Packed(1, 0, 2, zlib.compress(b"ab"))
    damaged = whole._replace(**changed)
    found = {"a": (whole, False), "b": (damaged, False)}
    for rows in (None, [0]):
        ask = functools.partial(events.unpack, found, 2, found, rows)
        with_it, without = both(lambda: asked(ask))  # noqa: B023
        assert with_it == without == ColumnError or "base" in changed
        joined = columns.join(found.values(), 2)
        if joined is not None:
            kernels.use(library)
            given = array("i", rows or ()), -1 if rows is None else 1, array("q", bytes(32))
            assert kernels.run("unpack", joined[0], len(joined[0]), joined[1], 2, 2, *given) < 0
    with_it, without = both(lambda: asked(lambda: columns.marked(damaged, False, 2, b"\1" * 99)))
    assert with_it == without == ColumnError or "base" in changed


def test_twin_rows_and_bytes_that_are_not_there(library):  # noqa: F811
    data, found = zlib.compress(b"ab"), array("q", bytes(16))

    def ask(shape, row, count=2):
        return kernels.run(
            "unpack", data, len(data), array("q", shape), 1, count, array("i", [row]), 1, found
        )

    whole = 0, len(data), 1, 0, 0, 2
    assert ask(whole, 1) == 0 and found[0] == ord("b")
    assert ask(whole, 2) < 0 and ask(whole, -1) < 0
    assert ask(whole, 1, columns.CHUNK + 1) < 0 and ask(whole, 1, -1) < 0
    for offset, length in ((1, len(data)), (-1, 3), (0, -1), (1 << 62, 1 << 62)):
        assert ask((offset, length, *whole[2:]), 1) < 0


def test_gather(both):  # noqa: F811
    chance = random.Random(3)
    for code, bits in (("q", 63), ("I", 32), ("i", 31), ("Q", 64)):
        column = array(code, [chance.getrandbits(bits) for _ in range(99)])
        for count in (0, 1, 500):
            rows = array("i", [chance.randrange(99) for _ in range(count)])
            with_it, without = both(lambda: group_table._gathered(column, rows, code))  # noqa: B023
            assert with_it == without == array(code, [column[row] for row in rows])
    narrow = group_table._gathered(array("i", [7, 9]), array("i", [1]), "q")
    assert narrow == array("q", [9]) and narrow.typecode == "q"


def test_twin_rows_that_a_column_has_not(library):  # noqa: F811
    column, found = array("q", [5]), array("q", [0])
    for row, width in ((1, 8), (-1, 8), (0, 2)):
        assert kernels.run("gather", column, 1, array("i", [row]), 1, width, found) < 0
    with pytest.raises(IndexError):
        group_table._gathered(column, array("i", [1]), "q")
