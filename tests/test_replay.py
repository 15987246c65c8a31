"""Memory replayed from syscalls: plain values, and real programs of which strace tells the rest."""

import os
import sys

import pytest

from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from alloctrace.elf.maps import Mapping  # noqa: E402
from brkpoint_trace.events import Seen  # noqa: E402
from brkpoint_trace.replay import differences, merged, perms, replay  # noqa: E402

K = 4096
RW = {"prot": "PROT_READ|PROT_WRITE"}


def mapping(start, end, kind="rw-p", path=b""):
    return Mapping(start * K, end * K, kind, 0, 0, path)


def call(name, ptr=0, size=None, result=0, **args):
    pages = None if size is None else size * K
    return Seen("syscall", name, ptr=ptr * K, size=pages, result=result * K, args=args)


def pages(ranges):
    return [(start // K, end // K, kind) for start, end, kind, *_ in merged(ranges)]


@pytest.mark.parametrize(
    "events, wanted",
    [
        ([], [(10, 14, "r-x")]),
        ([call("mmap", 0, 2, 20, **RW)], [(10, 14, "r-x"), (20, 22, "rw-")]),
        ([call("mmap", 11, 1, 11, prot="PROT_NONE")],
         [(10, 11, "r-x"), (11, 12, "---"), (12, 14, "r-x")]),
        ([call("munmap", 11, 2)], [(10, 11, "r-x"), (13, 14, "r-x")]),
        ([call("munmap", 9, 9)], []),
        ([call("mprotect", 12, 9, prot="PROT_READ")], [(10, 12, "r-x"), (12, 14, "r--")]),
        ([call("mremap", 10, 4, 30, new_size=6 * K)], [(30, 36, "r-x")]),
        ([call("brk", 0, 0, 50), call("brk", 53, 3, 53)], [(10, 14, "r-x"), (50, 53, "rw-")]),
        ([call("brk", 0, 0, 50), call("brk", 53, 3, 53), call("brk", 51, -2, 51)],
         [(10, 14, "r-x"), (50, 51, "rw-")]),
        ([call("madvise", 10, 4)], [(10, 14, "r-x")]),
    ],
)  # fmt: skip
def test_what_a_syscall_does(events, wanted):
    assert pages(replay([mapping(10, 14, "r-xp")], events)) == wanted


def test_a_failed_call_changes_nothing():
    failed = call("mmap", 0, 2, 20, **RW)
    failed.errno = 12
    unreturned = call("munmap", 10, 4)
    unreturned.result = None
    assert pages(replay([mapping(10, 14)], [failed, unreturned])) == [(10, 14, "rw-")]


def test_lengths_are_rounded_to_pages():
    odd = Seen("syscall", "mmap", ptr=0, size=1, result=20 * K, args=dict(RW))
    assert pages(replay([], [odd])) == [(20, 21, "rw-")]


def test_who_mapped_what_is_left():
    events = [call("mmap", 0, 4, 20, **RW), call("mmap", 21, 1, 21, **RW), call("munmap", 23, 1)]
    assert {(r.start // K, r.by) for r in replay([], events)} == {(20, 0), (21, 1), (22, 0)}


def test_differences_both_ways_and_the_stack():
    expected = replay([mapping(10, 14)], [])
    real = [mapping(10, 12), mapping(12, 13, "r--p"), mapping(90, 99, "rw-p", b"[stack]")]
    lacking, more = differences(expected, real)
    assert pages(lacking) == [(12, 14, "rw-")] and pages(more) == [(12, 13, "r--")]
    same = [mapping(10, 11), mapping(11, 14), mapping(90, 99, "rw-p", b"[stack]")]
    assert differences(expected, same) == ([], [])


def test_protection():
    assert perms("PROT_READ|PROT_WRITE") == "rw-" and perms("PROT_NONE") == perms(None) == "---"
    assert perms("PROT_READ|PROT_EXEC") == "r-x"
