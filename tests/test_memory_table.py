"""What was live at last, and whose: leaked, or kept to the end on purpose."""


import pytest

from alloctrace import plain
from alloctrace.summary.summary import summarise
from reports import memory_table
from reports.ink import Ink
from summary_fake import FakeTrace, because, call


def record(*purposes, **more):
    events = [call(n, size=100 * n, purpose=purpose) for n, purpose in enumerate(purposes, 1)]
    return summarise(FakeTrace(events, **more))


def of_stdout():
    return plain.replace(because("stdout's buffer"), rule="stdout-buffer")


def of_stdin():
    return plain.replace(because("stdin's buffer of Rust"), rule="rust-stdin")


def rows(found):
    return {row[0]: row[1:3] for row in memory_table.rows(found, Ink(80))}


def test_the_buffer_of_stdout_is_no_leak_of_yours():
    found = record(of_stdout())
    assert rows(found)["left"] == ["0", "0 B"] and rows(found)["kept to the end"] == [
        "1",
        "100 B",
    ]
    assert memory_table.sentence(found).endswith(
        "100 bytes live at the end, of yours only a standard stream's buffer (100 bytes),"
        " which is kept on purpose: no leak."
    )
    assert (found["leaked"]["blocks"], found["held"]["blocks"]) == (1, 1)  # the contract's sum


def test_beside_it_what_is_leaked_is():
    found = record(of_stdout(), because("a list"))
    assert rows(found)["left"] == ["1", "200 B"] and rows(found)["kept to the end"] == [
        "1",
        "100 B",
    ]
    assert memory_table.sentence(found).endswith(
        "200 bytes of it in 1 block yours: not freed; a standard stream's buffer (100 bytes) is"
        " kept to the end."
    )


@pytest.mark.parametrize("purposes", [(of_stdin(),), (of_stdin(), because("a list"))])
def test_what_the_std_of_rust_keeps_is_not_said_to_be_libcs(purposes):
    found = record(*purposes)
    assert rows(found)["kept to the end"] == ["1", "100 B"]
    said = str(memory_table.rows(found, Ink(80))) + memory_table.sentence(found)
    assert "standard stream's buffer (100 bytes)" in said and "libc" not in said


def test_twin_the_buffer_of_another_file_is():
    found = record(because("buffer of a FILE: 4096 bytes"))
    assert "kept to the end" not in rows(found) and rows(found)["left"] == ["1", "100 B"]
    assert memory_table.sentence(found).endswith("100 bytes of it in 1 block yours: not freed.")


def test_what_was_killed_has_leaked_nothing():
    found = record(of_stdout(), exit={"kind": "signalled", "status": 9})
    assert "left" not in rows(found) and rows(found)["live"] == ["1", "100 B"]
    assert memory_table.sentence(found).endswith("100 bytes live when it was killed.")
