"""Mappings replayed from syscalls: beside what the kernel says at the borders of phases."""

import os
import subprocess

import pytest

from alloctrace.model import Border, Module, Purpose
from alloctrace.space import address_space, mappings
from alloctrace.trace import trace
from reports.page import space
from summary_fake import FakeTrace, call, syscall
from target_programs import ROOT

COMMAND = ["/usr/bin/python3", "-B", ROOT + "/brkpoint"]
PAGE = 4096
AT = 0x7F0000000000
FIXED = {"flags": "MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS", "prot": "PROT_READ|PROT_WRITE"}


def replayed(*events, **more):
    made = FakeTrace(
        events, borders=more.get("borders", []), pid=7, images=[{"index": 0, "pid": 7}]
    )
    made.modules = more.get("modules", [])
    return address_space.replay(list(events), made)


def last(spaces):
    """(start, pages, name, access) of what is mapped in the end."""
    live = [piece for piece in spaces.pieces if piece.until is None]
    return [(p.start, (p.end - p.start) / PAGE, p.name, p.access) for p in live]


def mmap(seq, address, pages, **more):
    args = dict({"prot": "PROT_READ", "flags": "MAP_PRIVATE"}, **more)
    return syscall(seq, "mmap", pages * PAGE, result=address, args=args)


def test_holes_and_access_split_a_mapping():
    spaces = replayed(
        mmap(0, AT, 9, path="/lib/libx.so"),
        syscall(1, "mprotect", PAGE, ptr=AT + 2 * PAGE, result=0, args={"prot": "PROT_NONE"}),
        syscall(2, "munmap", 2 * PAGE - 5, ptr=AT + 5 * PAGE, result=0),
        mmap(3, AT + 7 * PAGE, 1, **FIXED),
    )
    assert last(spaces) == [
        (AT, 2, "libx.so", "r"),
        (AT + 2 * PAGE, 1, "libx.so", ""),
        (AT + 3 * PAGE, 2, "libx.so", "r"),
        (AT + 7 * PAGE, 1, "libx.so", "rw"),  # laid over a part of it: part of it
        (AT + 8 * PAGE, 1, "libx.so", "r"),
    ]
    assert {piece.made for piece in spaces.pieces} == {0}


def test_failed_and_unfinished_syscalls_change_nothing():
    failed = syscall(1, "munmap", PAGE, ptr=AT, result=None, errno=22)
    unfinished = syscall(2, "munmap", PAGE, ptr=AT, result=None, dur_ns=None)
    assert last(replayed(mmap(0, AT, 1), failed, unfinished))[0][:2] == (AT, 1)


def test_the_heap_grows_and_shrinks_and_keeps_its_begin():
    def brk(seq, moved, result):
        return syscall(seq, "brk", moved, result=result)

    query, up, down = brk(0, 0, 0x5000), brk(1, 3 * PAGE, 0x8000), brk(2, -PAGE - 1, 0x6FFF)
    spaces = replayed(query, up, down)
    assert last(spaces) == [(0x5000, 2, "heap", "rw")]
    assert last(replayed(query, up))[0][:2] == (0x5000, 3)
    assert last(replayed(up))[0][:2] == (0x5000, 3)  # without the query
    assert last(replayed(query)) == []


def test_mremap_moves_a_mapping_with_its_name():
    moved = {"new_size": 5 * PAGE, "flags": "MREMAP_MAYMOVE"}
    rule = Purpose("a mapping of its own: 9999 bytes", "own-mapping")
    first = syscall(0, "mmap", 3 * PAGE, result=AT, args={"prot": "PROT_READ"}, purpose=rule)
    grown = syscall(1, "mremap", 3 * PAGE, ptr=AT, result=AT + 64 * PAGE, args=moved)
    spaces = replayed(first, grown)
    assert last(spaces) == [(AT + 64 * PAGE, 5, "a block's own mapping", "r")]
    assert [piece.kind for piece in spaces.pieces] == ["block", "block"]


def test_an_order_that_cannot_be_is_no_address_space():
    spaces = replayed(mmap(0, AT, 4), mmap(1, AT + PAGE, 1), mmap(2, AT + 8 * PAGE, 1))
    assert spaces.stops == {7: (1, mappings.OVERLAP)}
    assert replayed(mmap(0, AT, 4), mmap(1, AT + 4 * PAGE, 1)).stops == {}


def test_a_strangers_trace_is_no_endless_work(monkeypatch):
    monkeypatch.setattr(mappings, "MOST", 50)
    events = [mmap(seq, AT + 2 * seq * PAGE, 1) for seq in range(20)]
    for seq in range(20, 30):
        prot = {"prot": "PROT_%s" % ("NONE" if seq % 2 else "READ")}
        events.append(syscall(seq, "mprotect", 1 << 40, ptr=AT, result=0, args=prot))
    events.append(mmap(30, 1 << 70, 1))
    events.append(mmap(31, AT, 3, prot=7, flags=None))
    spaces = replayed(*events)
    assert "more than 50 changes" in spaces.stops[7][1]


def test_a_forked_copy_is_not_told():
    events = [mmap(0, AT, 1), call(1, size=17)]
    events[1].pid = 8
    children = [{"pid": 8, "parent": 7, "image": 0, "t_ns": 5}]
    made = FakeTrace(events, borders=[], pid=7, images=[{"index": 0, "pid": 7}], children=children)
    assert address_space.replay(events, made).pids == [7]


def test_files_that_the_kernel_mapped_are_there_first():
    program = Module(1, "/x/a.out", 0x1000, 0x1000, 0x3000, role="executable")
    library = Module(2, "/x/libx.so", AT, AT, AT + PAGE)
    border = Border("load", 0, "x", 0, rss_bytes=5, mapped_bytes=9 * PAGE)
    more = {"modules": [program, library], "borders": [border]}
    spaces = replayed(mmap(0, AT, 1, path="/x/libx.so"), **more)
    (check,) = [check for check in spaces.checks if check.phase == "load"]
    assert (check.mapped, check.found, check.at) == (9 * PAGE, 2 * PAGE, 0)
    assert [row[2] for row in last(spaces)] == ["a.out", "libx.so"]


@pytest.fixture(scope="module")
def record(tmp_path_factory, built):
    """Records a target; its events and its trace."""
    folder = tmp_path_factory.mktemp("space")

    def run(name):
        path = str(folder / (name + ".brkpoint"))
        words = [*COMMAND, "run", "--quiet", "-o", path, os.path.join(ROOT, "build/targets", name)]
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        recorded = trace.open(path)
        return list(recorded.events()), recorded

    return run


@pytest.mark.parametrize("name", ["exec", "hashmap", "grow.static"])
def test_it_is_what_the_kernel_says_at_each_border(record, name):
    """But for the first thread's stack and the like, which stay as large as they began."""
    events, recorded = record(name)
    checks = address_space.replay(events, recorded).checks
    assert len(checks) > 3
    assert len({check.mapped - check.found for check in checks}) == 1
    assert len({check.mapped for check in checks}) > 1
    with_less = [event for event in events if event.name != "brk"]
    checks = address_space.replay(with_less, recorded).checks
    assert len({check.mapped - check.found for check in checks}) > 1


def test_the_page_gets_it_as_plain_values():
    events = [mmap(0, AT, 1, path="/x/\u202e.so"), syscall(1, "munmap", PAGE, ptr=AT, result=0)]
    made = FakeTrace(events, borders=[], pid=7, images=[{"index": 0, "pid": 7}])
    facts = space.of(events, made)
    assert facts["labels"] == [["file", "\\u202e.so"]]
    row = dict(zip(facts["pieces"]["names"], facts["pieces"]["rows"][0]))
    assert (row["start"], row["since"], row["until"]) == (hex(AT), 0, 1)
    assert row["end"] == hex(AT + PAGE)
