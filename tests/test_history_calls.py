"""Pairing and nesting of calls: the rules of docs/architecture.md over hand-made records."""

from alloctrace.history import history
from alloctrace.words import ENTRY_POINTS
from made_records import LIBC, MAIN, TOP, Made


def events_of(made):
    return history.build(made.records).events


def inside(made, outer_sp, outer_pc, sp, line=1):
    """The stack of a call at `sp` made by a libc function that was called at `outer_sp`."""
    return made.stack((LIBC + 7, sp), (outer_pc, outer_sp), (MAIN + line, TOP))


def test_a_plain_call_has_its_result_and_duration():
    made = Made()
    made.call("malloc", 13, result=0x1000)
    (event,) = events_of(made)
    assert (event.seq, event.kind, event.name, event.impl) == (0, "call", "malloc", "malloc")
    assert (event.size, event.result, event.dur_ns, event.t_ns) == (13, 0x1000, 10, 10)
    assert (event.pid, event.tid, event.errno, event.outer) == (77, 77, None, None)


def test_every_entry_point_reads_its_arguments():
    made = Made()
    for name in ENTRY_POINTS:
        made.call(name, 3, 5, 7, result=0x1000)
    got = {e.name: (e.size, e.nmemb, e.align, e.ptr) for e in events_of(made)}
    assert got == {
        "malloc": (3, None, None, None),
        "calloc": (5, 3, None, None),
        "realloc": (5, None, None, 3),
        "reallocarray": (7, 5, None, 3),
        "free": (None, None, None, 3),
        "aligned_alloc": (5, None, 3, None),
        "posix_memalign": (7, None, 5, None),
        "memalign": (5, None, 3, None),
        "valloc": (3, None, None, None),
        "pvalloc": (3, None, None, None),
    }


def test_a_call_inside_another_is_nested():
    made = Made()
    made.enter("calloc", 1, 24)
    made.enter("malloc", 24, sp=TOP - 160, stack=inside(made, TOP - 64, LIBC + 2, TOP - 160))
    made.leave("malloc", 0x1000, sp=TOP - 160)
    made.leave("calloc", 0x1000)
    outer, inner = events_of(made)
    assert (outer.outer, inner.outer) == (None, 0)


def test_a_call_after_another_is_not_nested():
    made = Made()
    made.call("calloc", 1, 24, result=0x1000)
    made.enter("malloc", 24, sp=TOP - 160, stack=inside(made, TOP - 64, LIBC + 2, TOP - 160))
    assert [e.outer for e in events_of(made)] == [None, None]


def test_the_innermost_of_three_is_the_outer():
    made = Made()
    made.enter("reallocarray", 0, 3, 8)
    made.enter("realloc", 0, 24, sp=TOP - 160, stack=inside(made, TOP - 64, LIBC + 2, TOP - 160))
    deep = ((LIBC, TOP - 240), (LIBC + 3, TOP - 160), (LIBC + 2, TOP - 64), (MAIN + 1, TOP))
    made.enter("malloc", 24, sp=TOP - 240, stack=made.stack(*deep))
    assert [e.outer for e in events_of(made)] == [None, 0, 1]


def test_one_return_closes_both_calls_of_a_tail_jump():
    made = Made()
    made.enter("realloc", 0, 24)
    made.enter("malloc", 24)
    made.leave("malloc", 0x1000)
    outer, inner = events_of(made)
    assert inner.outer == 0
    assert [e.result for e in (outer, inner)] == [0x1000, 0x1000]
    assert None not in (outer.dur_ns, inner.dur_ns)


def test_a_repeated_entry_is_one_call():
    made = Made()
    made.enter("malloc", 24)
    made.enter("malloc", 24)  # glibc 2.31's malloc_hook_ini
    made.leave("malloc", 0x1000)
    assert len(events_of(made)) == 1


def test_entries_with_another_size_or_return_are_two_calls():
    made = Made()
    made.enter("malloc", 24)
    made.enter("malloc", 32)
    made.enter("malloc", 32, line=2)
    assert len(events_of(made)) == 3


def test_the_same_call_again_after_its_return_is_two_calls():
    made = Made()
    made.call("malloc", 24, result=0x1000)
    made.call("malloc", 24, result=0x2000)
    assert [e.result for e in events_of(made)] == [0x1000, 0x2000]


def test_calls_left_by_longjmp_have_no_duration():
    made = Made()
    made.enter("malloc", 24)
    made.enter("free", 0x9000, sp=TOP - 160, stack=inside(made, TOP - 64, LIBC, TOP - 160))
    made.leave("malloc", 0x1000)  # the nested one never returned
    outer, inner = events_of(made)
    assert outer.dur_ns is not None and inner.dur_ns is None


def test_a_stale_call_is_no_outer_when_another_line_of_main_runs():
    made = Made()
    made.enter("malloc", 24, line=1)  # left by longjmp
    made.call("malloc", 32, line=2, result=0x1000)
    stale, fresh = events_of(made)
    assert fresh.outer is None and fresh.result == 0x1000
    assert stale.dur_ns is None


def test_a_stale_call_is_no_outer_through_a_frame_at_its_slot():
    made = Made()
    made.enter("malloc", 24, line=1)  # left by longjmp; now another function was called there
    stack = made.stack((LIBC, TOP - 160), (MAIN + 500, TOP - 64), (MAIN + 2, TOP))
    made.enter("malloc", 32, sp=TOP - 160, stack=stack)
    assert events_of(made)[1].outer is None


def test_a_signal_handler_on_another_stack_is_nested():
    alternate = 0x10000
    made = Made()
    made.enter("malloc", 24)
    stack = made.stack(
        (LIBC + 1, alternate), (MAIN + 300, alternate + 64), (LIBC + 5, TOP - 64), (MAIN + 1, TOP)
    )
    made.enter("malloc", 7, sp=alternate, stack=stack)
    made.leave("malloc", 0x2000, sp=alternate)
    made.leave("malloc", 0x1000)
    outer, inner = events_of(made)
    assert inner.outer == 0
    assert (inner.result, outer.result) == (0x2000, 0x1000)


def test_a_stack_higher_up_survives_the_return_of_a_lower_one():
    made = Made()
    high = TOP + 0x10000
    made.enter("malloc", 24)
    made.enter("malloc", 7, sp=high, stack=made.stack((LIBC, high), (MAIN + 7, high + 64)))
    made.leave("malloc", 0x1000)
    made.leave("malloc", 0x2000, sp=high)
    assert [(e.result, e.outer) for e in events_of(made)] == [(0x1000, None), (0x2000, None)]


def test_coroutines_on_stacks_of_their_own_are_not_nested():
    made = Made()
    stacks = (0x20000, 0x30000)
    for sp in stacks:
        stack = made.stack((LIBC, sp), (MAIN + sp, sp + 64))
        made.enter("malloc", 24, sp=sp, stack=stack)
    for sp in stacks:
        made.leave("malloc", sp, sp=sp)
    assert [(e.result, e.outer) for e in events_of(made)] == [(s, None) for s in stacks]


def test_threads_are_never_mixed():
    made = Made()
    made.enter("malloc", 24, tid=77)
    made.enter("malloc", 32, tid=78)
    made.leave("malloc", 0x1000, tid=77)
    made.leave("malloc", 0x2000, tid=78)
    got = [(e.tid, e.size, e.result, e.outer) for e in events_of(made)]
    assert got == [(77, 24, 0x1000, None), (78, 32, 0x2000, None)]


def test_the_first_thread_is_no_other_thread():
    """gdb tells it as a new one when another thread has called execve."""
    made = Made()
    for tid in (78, 77, 79):
        made.info("thread", tid=tid, t_ns=made.tick())
    assert [thread["tid"] for thread in history.build(made.records).threads] == [78, 79]


def test_a_cut_stack_nests_by_address():
    made = Made()
    made.enter("malloc", 24)
    made.enter("malloc", 8, sp=TOP - 160, stack=made.stack((LIBC, TOP - 160), cut=1))
    assert events_of(made)[1].outer == 0


def test_a_cut_stack_does_not_nest_beyond_reason():
    made = Made()
    made.enter("malloc", 24)
    far = TOP - (64 << 20)
    made.enter("malloc", 8, sp=far, stack=made.stack((LIBC, far), cut=1))
    made.enter("malloc", 9, sp=TOP + 64, stack=made.stack((LIBC, TOP + 64), cut=1))
    assert [e.outer for e in events_of(made)] == [None, None, None]


def test_a_whole_stack_without_the_call_is_proof_against_nesting():
    made = Made()
    made.enter("malloc", 24)
    made.enter("malloc", 8, sp=TOP - 160, stack=made.stack((LIBC, TOP - 160), (MAIN + 8, TOP)))
    assert events_of(made)[1].outer is None


def test_a_call_open_at_the_end_has_no_duration():
    made = Made()
    made.enter("malloc", 24)
    (event,) = events_of(made)
    assert event.dur_ns is None and event.result is None and event.block is None


def test_a_failed_malloc_has_an_errno():
    made = Made()
    made.call("malloc", 1 << 60, result=0)
    made.call("malloc", 0, result=0)
    made.call("calloc", 0, 9, result=0)
    made.call("calloc", 1 << 40, 1 << 40, result=0)
    made.call("realloc", 0, 9, result=0)
    made.call("realloc", 0x5000, 0, result=0)
    made.call("aligned_alloc", 3, 9, result=0)
    made.call("free", 0x5000, result=0)
    assert [e.errno for e in events_of(made)] == [12, None, None, 12, 12, None, 22, None]


def test_posix_memalign_has_the_pointer_it_stored_and_its_code():
    made = Made()
    made.enter("posix_memalign", TOP, 64, 100)
    made.info("memptr", tid=77, value=0x4000)
    made.leave("posix_memalign", 0)
    made.call("posix_memalign", TOP, 3, 100, result=22)
    good, bad = events_of(made)
    assert (good.result, good.errno, good.args, good.block) == (0x4000, None, {"code": 0}, 1)
    assert (bad.result, bad.errno, bad.args, bad.block) == (None, 22, {"code": 22}, None)


def test_deep_stacks_share_what_is_equal_in_them():
    """A hundred thousand stacks of a recursion would else take gigabytes."""
    made = Made()
    for depth in range(2, 101):
        made.stack(*[(MAIN, 1 << 40), *[(MAIN, TOP - 32 * n) for n in range(depth, 0, -1)]])
    stacks = history.build(made.records).stacks.values()
    pairs = [pair for stack in stacks for pair in stack.frames]
    assert len({id(pair) for pair in pairs}) == len(set(pairs)) < len(pairs) / 40


def test_the_memory_for_sharing_is_bounded(monkeypatch):
    monkeypatch.setattr(history.calls.Pairs, "MAX_PAIRS", 7)
    made = Made()
    for number in range(101):
        made.stack((MAIN + number, TOP), (LIBC + number, TOP + 64))
    builder = history.Builder()
    for record in made.records:
        builder.handlers()[type(record)](record)
    assert len(builder._pairs._known) < 11
    assert len(builder.history.stacks) == 101
