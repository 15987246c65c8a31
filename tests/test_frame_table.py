"""Frames of a trace in columns: the same as one by one, however many there are."""

import pytest

from alloctrace import frame_table
from alloctrace.frame_table import FrameTable
from alloctrace.model import Frame

FUNCTIONS = [(3, "main", "a.c", "a.out", "/bin/a.out", "executable"), (9, None, None, "", "", "")]
ROWS = [
    (5, -16, 0x1139, 3, 7, 0, 0x1130, "main"),
    (6, 0x40, -1, 9, None, 0, None, ""),
    (8, -16, 0x1139, 3, -(1 << 62), 1, -5, ""),
]
FRAMES = [
    Frame(2**64 - 16, "a.out", "/bin/a.out", "executable", 0x1139, "main", "a.c", 7, False, 0x1130,
          "main"),
    Frame(0x40, "", "", "", 2**64 - 1),
    Frame(2**64 - 16, "a.out", "/bin/a.out", "executable", 0x1139, "main", "a.c", -(1 << 62), True,
          2**64 - 5),
]  # fmt: skip


def test_frames_are_those_of_the_rows(monkeypatch):
    monkeypatch.setattr(frame_table, "MOST_MADE", 2)
    table = FrameTable(FUNCTIONS, ROWS)
    assert list(table) == table[:] == FRAMES
    assert (table[-1], len(table), table.numbers) == (FRAMES[2], 3, {5: 0, 6: 1, 8: 2})
    assert table[0] is table[0]  # the latest are kept


def test_what_is_not_there_is_an_error():
    table = FrameTable(FUNCTIONS, ROWS)
    for index in (3, -4):
        with pytest.raises(IndexError):
            table[index]
    with pytest.raises(KeyError):
        FrameTable(FUNCTIONS, [(1, 0, 0, 4, None, 0, None, "")])
