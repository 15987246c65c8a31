"""Memory syscalls: cause, arguments by name, results, the break; and the rest of the records."""

import json

from alloctrace.history import history, syscalls
from alloctrace.spool import spool
from made_records import LIBC, MAIN, TOP, Made


def build(made):
    return history.build(made.records)


def only(made):
    (event,) = build(made).events
    return event


def inside_malloc(made, sp=TOP - 200):
    return made.stack((LIBC + 900, sp), (LIBC + 5, TOP - 64), (MAIN + 1, TOP))


def test_a_syscall_inside_a_call_has_it_as_cause():
    made = Made()
    made.enter("malloc", 24)
    made.syscall("brk", 0, result=0x5000, sp=TOP - 200, stack=inside_malloc(made))
    made.leave("malloc", 0x1000)
    call, syscall = build(made).events
    assert (syscall.kind, syscall.cause, syscall.outer) == ("syscall", 0, None)
    assert call.result == 0x1000


def test_a_syscall_between_calls_has_no_cause():
    made = Made()
    made.call("malloc", 24, result=0x1000)
    made.syscall("brk", 0, result=0x5000, sp=TOP - 200, stack=inside_malloc(made))
    made.call("malloc", 24, result=0x2000)
    assert build(made).events[1].cause is None


def test_a_syscall_of_another_thread_has_no_cause():
    made = Made()
    made.enter("malloc", 24)
    made.syscall("munmap", 1, 2, stack=inside_malloc(made), sp=TOP - 200, tid=78)
    made.leave("malloc", 0x1000)
    assert build(made).events[1].cause is None


def test_the_cause_is_the_innermost_call():
    made = Made()
    made.enter("calloc", 1, 24)
    nested = made.stack((LIBC, TOP - 160), (LIBC + 2, TOP - 64), (MAIN + 1, TOP))
    made.enter("malloc", 24, sp=TOP - 160, stack=nested)
    deep = ((LIBC, TOP - 240), (LIBC + 3, TOP - 160), (LIBC + 2, TOP - 64), (MAIN + 1, TOP))
    made.syscall("munmap", 1, 2, sp=TOP - 240, stack=made.stack(*deep))
    assert build(made).events[2].cause == 1


def test_the_cause_inside_a_tail_jump_is_the_call_jumped_to():
    made = Made()
    made.enter("realloc", 0, 24)
    made.enter("malloc", 24)
    made.syscall("brk", 0, sp=TOP - 200, stack=inside_malloc(made))
    made.leave("malloc", 0x1000)
    assert [(e.outer, e.cause) for e in build(made).events] == [(None, None), (0, None), (None, 1)]


def test_mmap_has_its_arguments_by_name():
    made = Made()
    made.syscall("mmap", 0, 8192, 3, 0x22, 0xFFFFFFFF, 0, result=0x7F0000000000)
    event = only(made)
    assert (event.size, event.ptr, event.result, event.errno) == (8192, 0, 0x7F0000000000, None)
    assert event.args == {
        "prot": "PROT_READ|PROT_WRITE",
        "flags": "MAP_PRIVATE|MAP_ANONYMOUS",
        "fd": -1,
        "offset": 0,
    }


def test_a_mapped_file_has_its_path_whatever_its_bytes():
    made = Made()
    made.syscall("mmap", 0, 1, 0, 0x12, 3, 4096, path=b"/a\xff\n")
    args = only(made).args
    assert args["path"].encode("utf-8", "surrogateescape") == b"/a\xff\n"
    assert (args["prot"], args["flags"], args["fd"]) == ("PROT_NONE", "MAP_PRIVATE|MAP_FIXED", 3)
    json.dumps(args)


def test_a_failed_mmap_has_an_errno_and_no_address():
    made = Made()
    made.syscall("mmap", 0, 1 << 60, 3, 0x22, 2**64 - 1, 0, result=-12)
    assert (only(made).result, only(made).errno, only(made).failed) == (None, 12, True)


def test_a_high_address_is_unsigned_and_no_error():
    made = Made()
    made.syscall("mmap", 0, 4096, result=-(1 << 40))
    assert (only(made).result, only(made).errno) == (2**64 - 2**40, None)


def test_the_other_syscalls():
    made = Made()
    made.syscall("munmap", 0x1000, 4096)
    made.syscall("mprotect", 0x1000, 8192, 1)
    made.syscall("madvise", 0x1000, 12288, 4)
    made.syscall("mremap", 0x1000, 4096, 8192, 1, 0xABC, result=0x9000)
    made.syscall("mremap", 0x1000, 4096, 8192, 3, 0xABC000, result=0xABC000)
    got = [(e.name, e.ptr, e.size, e.args, e.result) for e in build(made).events]
    assert got == [
        ("munmap", 0x1000, 4096, {}, 0),
        ("mprotect", 0x1000, 8192, {"prot": "PROT_READ"}, 0),
        ("madvise", 0x1000, 12288, {"advice": "MADV_DONTNEED"}, 0),
        ("mremap", 0x1000, 4096, {"new_size": 8192, "flags": "MREMAP_MAYMOVE"}, 0x9000),
        (
            "mremap",
            0x1000,
            4096,
            {"new_size": 8192, "flags": "MREMAP_MAYMOVE|MREMAP_FIXED", "new_address": "0xabc000"},
            0xABC000,
        ),
    ]


def test_unknown_bits_stay_numbers():
    assert syscalls.bits(0x80 | 1, syscalls.PROT) == "PROT_READ|0x80"
    assert syscalls.map_flags(0x5 | 0x20 | 1 << 40) == "0x5|MAP_ANONYMOUS|0x10000000000"
    assert syscalls.map_flags(2) == "MAP_PRIVATE"


def test_brk_tells_how_far_the_break_moved():
    made = Made()
    made.syscall("brk", 0, result=0x10000)
    made.syscall("brk", 0x31000, result=0x31000)
    made.syscall("brk", 0x30000, result=0x30000)
    made.syscall("brk", 0x7FFFFFFF0000, result=0x30000)  # refused: the break stays
    made.syscall("brk", 0x30010, result=0x30010)
    got = [(e.size, e.errno) for e in build(made).events]
    assert got == [(0, None), (0x21000, None), (-0x1000, None), (0, 12), (0x10, None)]


def test_the_first_brk_without_a_query_moved_unknown_bytes():
    made = Made()
    made.syscall("brk", 0x31000, result=0x31000)
    assert only(made).size is None


def test_the_break_at_a_border_is_a_known_break():
    made = Made()
    made.info("phase", phase="load", t_ns=made.tick(), how="first instruction", brk=0x30000)
    made.syscall("brk", 0x31000, result=0x31000)
    assert only(made).size == 0x1000


def test_a_syscall_that_never_returns():
    made = Made()
    made.sysenter("munmap", 1, 2)
    assert (only(made).dur_ns, only(made).result) == (None, None)


def test_phases_never_go_back():
    made = Made()
    for phase in ("load", "init", "load", "main", "main", "exit", "nonsense"):
        made.info("phase", phase=phase, t_ns=made.tick(), how="")
        made.call("malloc", 1, result=made.now)
    built = build(made)
    assert [e.phase for e in built.events] == "load init init main main exit exit".split()
    assert [b.phase for b in built.borders] == "load init main exit".split()
    assert "unmatched: phases that go back: 2" in built.notes
    assert "unmatched: unknown phases: 1" in built.notes


def test_a_border_holds_what_the_process_was():
    made = Made()
    made.info("phase", phase="load", t_ns=made.tick(), how="x", rss_bytes=4096, minor_faults=True)
    (border,) = build(made).borders
    assert (border.t_ns, border.how, border.rss_bytes) == (10, "x", 4096)
    assert border.minor_faults is None and border.mapped_bytes is None


def test_modules_come_and_go():
    made = Made()
    made.info(
        "module", id=1, path="/lib/a b.so", base=4096, start=4096, end=8192, loaded_ns=made.now
    )
    made.info("unmodule", id=1, t_ns=made.tick())
    made.info(
        "module", id=2, path="/lib/c.so", base=4096, start=4096, end=8192, loaded_ns=made.tick()
    )
    made.info("unmodule", id=9, t_ns=made.tick())
    built = build(made)
    first, second = built.modules
    assert (first.name, first.loaded_ns, first.unloaded_ns) == ("a b.so", 0, 10)
    assert (second.name, second.loaded_ns, second.unloaded_ns) == ("c.so", 20, None)
    assert built.notes == ["unmatched: unloaded modules never loaded: 1"]


def test_the_rest_is_kept():
    made = Made()
    made.info("fork", what="vfork", tid=77, child=80, t_ns=made.tick())
    made.info("signal", name="SIGINT", tid=77, t_ns=made.tick())
    made.info("note", text="a word")
    made.info("lost", count=3, reason="ring full")
    made.info("cost", stops=7, engine_ns=11)
    made.info("end", kind="exited", status=3, t_ns=made.tick())
    built = build(made)
    assert built.forks == [{"what": "vfork", "tid": 77, "child": 80, "t_ns": 10}]
    assert built.signals[0]["name"] == "SIGINT"
    assert built.notes == ["a word", "3 events lost: ring full"] and built.lost == 3
    assert built.cost == {"stops": 7, "engine_ns": 11}
    assert built.end == {"kind": "exited", "status": 3, "t_ns": 30}
    assert built.run["pid"] == 77 and not built.cut_off


def test_a_cut_off_spool_says_so():
    made = Made()
    made.records.append(spool.CutOff(100, 7))
    built = build(made)
    assert built.cut_off and "7 bytes" in built.notes[0]


def test_what_does_not_match_is_counted():
    made = Made()
    made.records.append(spool.Enter(1, 2, 999, 3, 4, 5, 6, 0))
    made.records.append(spool.Leave(1, 2, 3, 4, 5))
    made.records.append(spool.SysEnter(1, 2, 999, 3, (0,) * 6, 0, b""))
    made.records.append(spool.SysLeave(1, 2, 9, 3))
    made.info("never heard of")
    made.info("hook", id=50, name="printf")
    made.enter("malloc", 1, stack=4711)
    made.info("memptr", tid=9, value=1)
    notes = build(made).notes
    assert len(notes) == 8 and all(note.endswith(": 1") for note in notes)


def test_absurd_fields_are_no_error():
    absurd = [None, -1, 2**70, 1.5, "x", [], {}, True, "\udcff"]
    made = Made()
    for value in absurd:
        for type_ in "run image module unmodule hook phase main fork thread signal memptr".split():
            made.info(
                type_, **dict.fromkeys("pid id index t_ns tid name path phase".split(), value)
            )
        for type_ in ("note", "lost", "cost", "end"):
            made.info(type_, text=value, count=value, kind=value, t_ns=value, reason=value)
        made.call("malloc", 2**64 - 1, result=2**64 - 1)
    assert len(build(made).events) == len(absurd)


def test_absurdly_many_modules_are_cut_and_counted():
    info = spool.Info({"type": "module", "id": 1, "path": "/x"})
    built = history.build(info for _ in range(30000))
    assert len(built.modules) == 20000
    assert any("limit" in note for note in built.notes)


def test_entries_without_returns_cost_no_quadratic_time():
    made = Made()
    enters = [spool.Enter(1, 1, 1, i * 64, 1, 0, 0, 0) for i in range(20000, 0, -1)]
    made.records += enters + [spool.Leave(2, 1, 1, 64 * 20000, 0)]
    built = build(made)
    assert len(built.events) == 20000
    assert "unmatched: returns without a call: 1" in built.notes
