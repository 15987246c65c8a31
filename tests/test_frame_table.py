"""Frames of a trace in columns, their names in the file: the same as one by one."""

import sqlite3

import pytest

from alloctrace.columns import stored
from alloctrace.columns.check import TraceError
from alloctrace.columns.schema import create_statement, insert_statement
from alloctrace.model import Frame
from alloctrace.stacks import frames as frame_table
from alloctrace.stacks.frames import FrameTable

FUNCTIONS = [(1, "main", "a.c", "a.out", "/bin/a.out", "executable"), (2, None, None, "", "", "")]
ROWS = [
    (1, -16, 0x1139, 1, 7, 0, 0x1130, "main"),
    (2, 0x40, -1, 2, None, 0, None, ""),
    (3, -16, 0x1139, 1, -(1 << 62), 1, -5, ""),
]
FRAMES = [
    Frame(2**64 - 16, "a.out", "/bin/a.out", "executable", 0x1139, "main", "a.c", 7, False, 0x1130,
          "main"),
    Frame(0x40, "", "", "", 2**64 - 1),
    Frame(2**64 - 16, "a.out", "/bin/a.out", "executable", 0x1139, "main", "a.c", -(1 << 62), True,
          2**64 - 5),
]  # fmt: skip


def made(functions, rows):
    db = sqlite3.connect(":memory:")
    for name, values in (("functions", functions), ("frames", rows)):
        db.execute(create_statement(name))
        if values:
            db.executemany(insert_statement(name, len(values[0])), values)
    return FrameTable(db, lambda name: db.execute("SELECT * FROM " + name))


def test_frames_are_those_of_the_rows(monkeypatch):
    monkeypatch.setattr(frame_table, "MOST_MADE", 2)
    monkeypatch.setattr(stored, "MOST_KEPT", 1)
    table = made(FUNCTIONS, ROWS)
    assert list(table) == table[:] == FRAMES
    assert (table[-1], len(table)) == (FRAMES[2], 3)
    assert table[0] is table[0]  # the latest are kept


@pytest.mark.parametrize("numbers", [(1, 3), (2, 1), (0, 1)])
def test_what_is_not_there_is_an_error(numbers):
    table = made(FUNCTIONS, ROWS)
    for index in (3, -4):
        with pytest.raises(IndexError):
            table[index]
    id_, function = numbers
    with pytest.raises(TraceError):
        made(FUNCTIONS, [(id_, 0, 0, function, None, 0, None, "")])
    with pytest.raises(TraceError):
        made([(2, *FUNCTIONS[0][1:])], [])


def test_a_place_is_a_function_a_line_or_else_an_offset():
    functions = [(1, "f", "a.c", "m", "", ""), (2, None, None, "m", "", "")]
    functions.append((3, "f", "a.c", "m", "/elsewhere", "user"))  # the same place
    of = [(1, 5, 7), (1, 6, 7), (3, 9, 7), (1, 5, None), (1, 6, None), (2, 5, None), (2, 6, None)]
    rows = [(at, 0, offset, f, line, 0, None, "") for at, (f, offset, line) in enumerate(of, 1)]
    told, exact = made(functions, rows).places()
    assert [told[0] == other for other in told] == [True] * 3 + [False] * 4
    assert told[3] == told[4] and told[5] != told[6]
    assert exact[0] == exact[1] == exact[2] and len(set(exact)) == 5
