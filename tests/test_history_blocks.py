"""Blocks: which free ends which allocation, and what is live at the end."""

from alloctrace.history import history
from made_records import LIBC, MAIN, TOP, Made


def build(made):
    return history.build(made.records)


def blocks_of(made):
    return [event.block for event in build(made).events]


def nested(made, name, *args, sp=TOP - 160):
    made.enter(
        name, *args, sp=sp, stack=made.stack((LIBC, sp), (LIBC + 2, TOP - 64), (MAIN + 1, TOP))
    )


def test_a_block_and_its_free_carry_one_number():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.call("malloc", 5, result=0x2000)
    made.call("free", 0x1000)
    built = build(made)
    assert [e.block for e in built.events] == [1, 2, 1]
    assert [(b.number, b.address, b.size, b.seq) for b in built.blocks] == [(2, 0x2000, 5, 1)]


def test_a_free_of_what_nobody_allocated_has_no_block():
    made = Made()
    made.call("free", 0)
    made.call("free", 0x1234)
    made.call("malloc", 3, result=0x1000)
    made.call("free", 0x1000)
    made.call("free", 0x1000)
    assert blocks_of(made) == [None, None, 1, 1, None]


def test_an_address_used_again_is_another_block():
    made = Made()
    for _ in range(3):
        made.call("malloc", 3, result=0x1000)
        made.call("free", 0x1000)
    assert blocks_of(made) == [1, 1, 2, 2, 3, 3]


def test_a_free_ends_its_block_before_it_returns():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.enter("free", 0x1000, tid=77)
    made.call("malloc", 5, result=0x1000, tid=78)  # handed out before free's return is seen
    made.leave("free", tid=77)
    made.call("free", 0x1000, tid=78)
    built = build(made)
    assert [e.block for e in built.events] == [1, 1, 2, 2]
    assert built.blocks == [] and built.notes == []


def test_an_address_handed_out_twice_is_noted():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.call("malloc", 5, result=0x1000)
    assert build(made).notes == ["unmatched: blocks whose end was not seen: 1"]


def test_realloc_of_null_is_an_allocation():
    made = Made()
    made.call("realloc", 0, 3, result=0x1000)
    made.call("free", 0x1000)
    assert blocks_of(made) == [1, 1]


def test_realloc_keeps_the_number_when_it_moves_or_fails():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.call("realloc", 0x1000, 7, result=0x2000)
    made.call("realloc", 0x2000, 1 << 60, result=0)
    built = build(made)
    assert [e.block for e in built.events] == [1, 1, 1]
    (block,) = built.blocks
    assert (block.address, block.size, block.seq, block.last) == (0x2000, 7, 0, 1)


def test_realloc_to_nothing_ends_the_block():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.call("realloc", 0x1000, 0, result=0)
    built = build(made)
    assert [e.block for e in built.events] == [1, 1] and built.blocks == []


def test_realloc_of_an_unknown_pointer_starts_a_block():
    made = Made()
    made.call("realloc", 0x1000, 8, result=0x2000)
    made.call("free", 0x2000)
    assert blocks_of(made) == [1, 1]


def test_another_thread_may_get_the_old_address_during_a_realloc():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.enter("realloc", 0x1000, 7)
    made.call("malloc", 5, result=0x1000, tid=78)
    made.leave("realloc", 0x2000)
    built = build(made)
    assert [(b.number, b.address) for b in built.blocks] == [(1, 0x2000), (2, 0x1000)]


def test_a_process_that_dies_inside_realloc_still_holds_the_block():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.enter("realloc", 0x1000, 7)
    assert [b.number for b in build(made).blocks] == [1]


def test_nested_calls_that_return_the_same_pointer_share_the_block():
    made = Made()
    made.enter("calloc", 1, 24)
    nested(made, "malloc", 24)
    made.leave("malloc", 0x1000, sp=TOP - 160)
    made.leave("calloc", 0x1000)
    made.call("free", 0x1000)
    built = build(made)
    assert [e.block for e in built.events] == [1, 1, 1] and built.blocks == []


def test_nested_memory_at_another_address_is_no_block_of_its_own():
    made = Made()
    made.enter("memalign", 64, 24)
    nested(made, "malloc", 88)  # musl takes more and hands out the aligned part
    made.leave("malloc", 0x1000, sp=TOP - 160)
    made.leave("memalign", 0x1040)
    built = build(made)
    assert [e.block for e in built.events] == [1, None]
    assert [(b.address, b.size) for b in built.blocks] == [(0x1040, 24)]


def test_realloc_by_malloc_and_free_inside():
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.enter("realloc", 0x1000, 7)
    nested(made, "malloc", 7)
    made.leave("malloc", 0x2000, sp=TOP - 160)
    nested(made, "free", 0x1000)
    made.leave("free", sp=TOP - 160)
    made.leave("realloc", 0x2000)
    made.call("free", 0x2000)
    built = build(made)
    assert [e.block for e in built.events] == [1, 1, 1, 1, 1] and built.blocks == []


def test_memory_of_a_signal_handler_inside_malloc_is_found_by_its_free():
    made = Made()
    made.enter("malloc", 24)
    nested(made, "malloc", 7)
    made.leave("malloc", 0x2000, sp=TOP - 160)
    made.leave("malloc", 0x1000)
    made.call("free", 0x2000)
    assert blocks_of(made) == [1, 2, 2]


def test_exec_ends_all_blocks_and_none_leaks():
    made = Made()
    made.info("image", index=0, path="/bin/a")
    made.info("phase", phase="load", t_ns=made.tick(), how="first instruction")
    made.info("phase", phase="main", t_ns=made.tick(), how="symbol")
    made.call("malloc", 3, result=0x1000)
    made.enter("malloc", 9, tid=78)
    made.info("image", index=1, path="/bin/b")
    made.info("phase", phase="load", t_ns=made.tick(), how="first instruction")
    made.call("free", 0x1000)
    made.leave("malloc", 0x2000, tid=78)
    built = build(made)
    assert [e.block for e in built.events] == [1, None, None]
    assert [(e.image, e.phase) for e in built.events] == [(0, "main"), (0, "main"), (1, "load")]
    assert built.blocks == []
    assert [(b.image, b.phase) for b in built.borders] == [(0, "load"), (0, "main"), (1, "load")]
