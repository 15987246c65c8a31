"""What is left between two moments across an exec; and a difference that always has its words."""

import pytest

from alloctrace.compare import left
from alloctrace.model import Frame
from reports import diff_words, left_text
from reports.ink import Ink, cells
from summary_fake import call


def blocks_left(events, begin="0"):
    return left.between(events, begin, left.END, lambda event: None)["blocks"]


def exec_between(kind="call", pid=7):
    """Program 0 leaves two blocks; then image 1 of process `pid` begins with one of its own."""
    third = call(3, size=4, image=1)
    third.kind, third.pid = kind, pid
    return [call(1, size=1), call(2, size=2), third]


def test_an_exec_ends_all_memory_of_its_process():
    assert blocks_left(exec_between()) == 1
    assert blocks_left(exec_between("syscall")) == 0  # whatever the first event of the program is


def test_an_exec_of_another_process_ends_nothing_here():
    other = call(3, size=4, image=0)
    other.pid = 8
    events = [call(1, size=1), other, *exec_between(pid=8)[1:]]
    assert blocks_left(events) == 3
    assert blocks_left([call(1, size=1), call(2, "free", ptr=0x1000, block=1)]) == 0


def test_what_is_left_keeps_its_width_in_ascii():
    frame = Frame(1, "p", function="Größe…" * 9, file="/x/ä.c", line=3)
    record = left.between([call(1, size=1)], "0", left.END, lambda event: frame)
    for unicode in (True, False):
        lines = list(left_text.lines(record, Ink(80, False, unicode)))
        assert all(cells(line) <= 80 for line in lines)
        assert "".join(lines).isascii() == (not unicode)


# ---- words ---------------------------------------------------------------------------------------

NUMBERS = dict.fromkeys(("count", "bytes", "live_blocks", "live_bytes"), 0)


def row(function, before, after, **more):
    facts = {
        "origin": "user",
        "owner": None,
        "kind": "call",
        "name": "free",
        "function": function,
        "function_before": function,
        "purpose": None,
        "via": [],
        "via_before": [],
        "how": "exact",
        "changed": True,
        "within_noise": False,
        "before": dict(NUMBERS, count=before),
        "after": dict(NUMBERS, count=after),
    }
    return dict(facts, **more)


def sentence(*rows, peaks=(5, 5)):
    peak = {"before": peaks[0], "after": peaks[1], "same": peaks[0] == peaks[1]}
    record = {"rows": rows, "same": False, "seen_everything": True, "peak_bytes": peak}
    return diff_words.sentence(dict(record, libraries={"new": [], "gone": []}))


def test_calls_that_went_elsewhere_have_words():
    moved = row("f", 3, 0), row("g", 1, 4)
    assert sentence(*moved) == "As many calls in all, made elsewhere: f and g."
    assert sentence(*moved, peaks=(5, 6)) == "As many calls in all, made elsewhere: f and g."
    noise = dict(row("h", 1, 2), within_noise=True)
    assert sentence(*moved, noise) == "As many calls in all, made elsewhere: f and g."


def test_another_order_is_told_where_no_call_differs():
    assert sentence(peaks=(5, 6)).startswith("The same calls, in another order: the peak is 5")
    assert sentence(row("f", 3, 2)).startswith("f makes 1 fewer call (3 → 2)")


@pytest.mark.parametrize(
    "calls, syscalls, told",
    [
        (1200, {"mmap": 2000, "brk": 3}, ["2,000 mmap", "3 brk"]),
        (-5, {"mmap": -2, "brk": -1}, ["2 mmap", "1 brk"]),
        (-5, {"mmap": 2000, "brk": -3}, ["+2,000 mmap", "-3 brk"]),
        (0, {"mmap": 2}, ["+2 mmap"]),
    ],
)
def test_a_number_without_a_sign_has_that_of_the_calls_and_all_others_too(calls, syscalls, told):
    assert diff_words._made(syscalls, calls, False) == told
