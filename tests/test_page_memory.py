"""Memory as the page shows it at a step; some of it in a real browser."""

import random
from contextlib import contextmanager

import pytest

import made_pages
from alloctrace import measure
from alloctrace.columns import columns
from alloctrace.columns.group_table import What
from alloctrace.history import history
from alloctrace.space import live_blocks
from alloctrace.space.changes import Changes
from alloctrace.trace import trace
from made_records import MAIN, Made
from made_traces import symbolise
from reports.page import data, memory, windows
from summary_fake import FakeTrace, call

WHY_NOT = made_pages.why_no_browser()
NUMBER = "(element) => element.dataset.block"
in_a_browser = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def churn(calls=7000, seed=7, pid=77):
    """The history of a run in which blocks live short and long; some are moved, some moved to no
    bytes, which ends them, or leaves one of no bytes."""
    made, chance, live, at = Made(pid), random.Random(seed), {}, 0x10000
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    for number in range(calls):
        act = chance.random()
        if live and act < 0.46:
            made.call("free", live.pop(chance.choice(list(live)[-30:])), line=number % 3)
            continue
        at, size = at + 4096, chance.randrange(1, 3000)
        if live and act < 0.47:
            left = chance.choice([0, at])
            name = chance.choice(list(live)[-30:])
            made.call("realloc", live.pop(name), 0, result=left)
            if left:
                live[name] = left
        elif live and act < 0.5:
            name = chance.choice(list(live)[-30:])
            made.call("realloc", live[name], size, result=at)
            live[name] = at
        else:
            made.call("malloc", size, result=at, line=number % 5)
            live[number] = at
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    return history.build(made.records)


@contextmanager
def written(folder, built):
    path = str(folder / "churn.brkpoint")
    trace.write(path, built, symbolise(built), {"program": "/bin/target"})
    with trace.open(path) as recorded:
        yield recorded


@pytest.fixture(scope="module")
def churned(tmp_path_factory):
    with written(tmp_path_factory.mktemp("churn"), churn()) as recorded:
        yield recorded


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    with written(tmp_path_factory.mktemp("two"), of_two_programs()) as recorded:
        yield recorded


def of_two_programs():
    """Of two processes in turn, whose blocks have the same numbers; the child execs in between."""
    built, other = churn(4000), churn(4000, 8, 78)
    for event in other.events:
        event.pid, event.image = 78, int(event.seq >= 1500)
    both = zip(built.events, other.events)
    built.events = [event for pair in both for event in pair]
    for seq, event in enumerate(built.events):
        event.seq, event.t_ns = seq, 10 * seq
    built.children.append({"pid": 78, "parent": 77, "image": 0, "t_ns": 0})
    built.images.append({"index": 1, "pid": 78, "path": "/bin/other", "t_ns": 30000})
    return built


def replayed(recorded, moments):
    """{seq: {(process, number): (address, bytes, seq)} right before it, event by event."""
    live, found, images = {}, {}, {}
    for event in recorded.events():
        if event.seq in moments:
            found[event.seq] = dict(live)
        if images.setdefault(event.pid, event.image) != event.image:
            live = {key: told for key, told in live.items() if key[0] != event.pid}
        images[event.pid] = event.image
        if measure.hands_out(event):
            told = event.result, measure.bytes_asked(event), event.seq
            live[event.pid, event.block] = told
        elif measure.frees(event):
            live.pop((event.pid, event.block), None)
    return found


def told_of(found):
    return {
        seq: {(b.program[0], b.number): (b.address, b.size, b.made) for b in blocks}
        for seq, blocks in found.items()
    }


@pytest.mark.parametrize("few", [0, live_blocks.FEW])
def test_blocks_before_a_moment_are_those_of_a_replay(churned, monkeypatch, few):
    monkeypatch.setattr(live_blocks, "FEW", few)  # 0: of the second half from the end
    moments = [0, 1, 100, 2999, 3600, 5000, 6990]
    told = told_of(live_blocks.before(churned, None, moments, 10000))
    assert told == replayed(churned, moments)
    assert live_blocks.before(churned, None, [5000], 5) == {5000: len(told[5000])}


@pytest.mark.parametrize("few", [0, live_blocks.FEW])
def test_pieces_in_which_blocks_only_move_hide_no_block(tmp_path, monkeypatch, few):
    """Reading back, the numbers of moved blocks say little of how many there are."""
    monkeypatch.setattr(columns, "CHUNK", 64)
    monkeypatch.setattr(live_blocks, "FEW", few)
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    for number in range(200):
        made.call("malloc", 100 + number, result=0x10000 + 4096 * number)
    for number in range(100):
        made.call("realloc", 0x10000, 500 + number, result=0x10000)
    for number in range(150):  # of the first ones none
        made.call("free", 0x10000 + 4096 * (number + 10))
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    with written(tmp_path, history.build(made.records)) as recorded:
        moments = [270, 290, 300, 310]
        found = live_blocks.before(recorded, None, moments, 10000)
        assert [len(found[seq]) for seq in moments] == [200, 200, 200, 190]
        assert told_of(found) == replayed(recorded, moments)


def test_what_is_known_is_told_though_later_moments_are_not(tmp_path, churned, monkeypatch):
    monkeypatch.setattr(live_blocks, "NUMBERS", 1000)
    found = live_blocks.before(churned, None, [100, 6000], 10000)
    assert found.pop(6000) is None and told_of(found) == replayed(churned, [100])
    monkeypatch.setattr(columns, "CHUNK", 64)
    monkeypatch.setattr(live_blocks, "LIVE", 30)
    with written(tmp_path, of_two_programs()) as recorded:
        found = live_blocks.before(recorded, None, [40, 6000], 10000)
        assert found.pop(6000) is None and told_of(found) == replayed(recorded, [40])


def test_blocks_of_several_programs_are_those_of_a_replay(of_two):
    moments = [0, 1, 500, 2999, 3001, 3002, 3100, 6000, 7999]
    told = told_of(live_blocks.before(of_two, None, moments, 10000))
    assert told == replayed(of_two, moments)
    numbers = [number for _, number in told[6000]]
    assert {pid for pid, _ in told[6000]} == {77, 78} and len(set(numbers)) < len(numbers)
    child = {seq: sum(pid == 78 for pid, _ in told[seq]) for seq in (3001, 3002)}
    assert child[3001] > 10 > child[3002]


def test_blocks_that_do_not_add_up_are_not_told(churned, monkeypatch):
    monkeypatch.setattr(data, "WHOLE", 1000)
    told = made_pages.data_of(made_pages.page_of(churned))
    ((first, is_told), *_) = told["held"]["at"]
    assert (first, is_told) == (0, True)
    end = next(row for row in told["held"]["at"] if row[0] == told["ranges"][-1][0])
    assert end[1] is True and told["held"]["blocks"]["number"]
    monkeypatch.setattr(memory, "_add_up", lambda *_: False)
    told = made_pages.data_of(made_pages.page_of(churned))
    assert {row[1] for row in told["held"]["at"]} == {None}


def test_what_adds_up_is_asked_of_the_peak_and_the_end(churned):
    events, last = list(churned.events()), 6999
    assert events[-1].seq == last
    peak = churned.run["peak"]
    left = sum(block.size for block in churned.blocks())
    for more, at_end, adds_up in ((0, 0, True), (1, 0, False), (0, 1, False)):
        summary = {
            "peak": peak,
            "peak_bytes": peak["bytes"] + more,
            "leaked": {"bytes": left + at_end},
        }
        assert memory._add_up({0: []}, [[0, last]], events, summary) is adds_up


def test_of_breaks_one_after_the_other_the_last_is_told():
    assert told_changes((3, 1), (20, 1), (25, 1), (30, 2), (40, 1), (60, 1), (61, 1)) == [
        *(3, 25, 30, 40, 61)
    ]


def test_of_a_program_the_first_break_and_those_of_others_stay():
    first, others = ((11, 1), (12, 1), (13, 1)), ((20, 3), (21, 1), (22, 3), (23, 1), (24, 3))
    assert told_changes(*first, *others) == [11, 20, 23, 24]


def told_changes(*noted):
    """Groups 1 and 2: brk and mmap of one program; 3: brk of another."""

    class Groups:
        made = (("brk", 7), ("mmap", 7), ("brk", 8))
        whats = [What("syscall", name, None, pid, "main", 0) for name, pid in made]
        what = [0, 1, 2]

    changes = Changes(Groups)
    for seq, group in noted:
        changes.add(seq, [group], 0, [0])
    found = changes.told([[0, 9], [50, 55]])
    assert changes.stopped is None
    return found


@in_a_browser
def test_memory_in_the_windows_of_a_long_run(browser, churned, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "WHOLE", 1000)
    (tmp_path / "a.html").write_text(made_pages.page_of(churned), encoding="utf-8")
    peak = churned.run["peak"]
    browser.open(tmp_path / "a.html", "#step=%d" % peak["seq"])
    assert "({:,} bytes) are live".format(peak["bytes"]) in browser.text("#blocks p")
    browser.open(tmp_path / "a.html", "#step=2000")
    assert "Event 2,000 is not in this page" in browser.text("#blocks")
    assert "brkpoint step" in browser.text("#blocks") and "--seq 2000" in browser.text("#step")
    browser.keys("body", "\ue014")
    assert browser.hash() == "#step=0"
    assert browser.complaints() == []


@in_a_browser
def test_memory_of_each_process_in_a_long_run(browser, of_two, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "WHOLE", 1000)
    peak, events = of_two.run["peak"]["seq"], list(of_two.events())
    seen = [(2900, 3400), (peak - 100, peak + 100), (7000, 7999)]  # the child execs at 3001
    monkeypatch.setattr(windows, "_edges", lambda *_: seen)
    (tmp_path / "a.html").write_text(made_pages.page_of(of_two), encoding="utf-8")
    steps = [2900, 2999, 3000, 3001, 3005, 3400, peak, peak + 1, 7700, 7998]
    live = replayed(of_two, [seq + 1 for seq in steps])
    for seq in steps:
        mine = {number for pid, number in live[seq + 1] if pid == events[seq].pid}
        browser.open(tmp_path / "a.html", "#step=%d" % seq)
        found = browser.js("return [...document.querySelectorAll('[data-block]')].map(%s)" % NUMBER)
        assert set(map(int, found)) == mine and " live after event " in browser.text("#blocks p")
    assert browser.complaints() == []


@in_a_browser
def test_the_blocks_that_are_live_after_a_step(browser, pages):
    browser.open(pages["small"], "#step=2")
    script = "return [...document.querySelectorAll('[data-block]')].map((e) => e.textContent)"
    assert browser.js(script) == ["#01.4 KiB", "#21009 bytes"]
    assert "2 blocks of 2.4 KiB (2,490 bytes) are live after event 2" in browser.text("#blocks")
    browser.click("[data-step=forward]")
    assert browser.js(script) == ["#01.4 KiB"]
    assert "Block #2 is gone now" in browser.text("#blocks")
    browser.click("[data-block='0']")
    assert browser.hash() == "#step=0"
    browser.click("[data-scale=true]")
    assert browser.complaints() == []


@in_a_browser
def test_a_block_ends_when_it_is_moved_to_no_bytes_and_not_when_its_call_frees(browser, tmp_path):
    """musl's realloc moves a block by a malloc and a free inside."""
    moving = {"name": "realloc", "block": 2, "ptr": 0x2000}
    events = [
        call(0, size=24, block=1, result=0x1000),
        call(1, size=40, block=2, result=0x2000),
        call(2, size=64, result=0x3000, **moving),
        call(3, "free", block=2, ptr=0x2000, result=None, outer=2),
        call(4, "realloc", size=0, block=1, ptr=0x1000, result=None),
        call(5, size=0, result=0x4000, **moving),
    ]
    (tmp_path / "a.html").write_text(made_pages.page_of(FakeTrace(events)), encoding="utf-8")
    for seq, said in ((3, "2 blocks of 88"), (4, "1 block of 64"), (5, "1 block of 0")):
        browser.open(tmp_path / "a.html", "#step=%d" % seq)
        assert browser.text("#blocks p").startswith(said)
    assert "Block #1 is gone now" not in browser.text("#blocks")


@in_a_browser
def test_the_address_space_at_a_step(browser, pages, record):
    with trace.open(pages["trace"]) as recorded:
        events = list(recorded.events())
    (grown,) = [e for e in events if e.name == "brk" and e.size]
    browser.open(pages["real"], "#step=%d" % grown.cause)
    script = """const rows = [...document.querySelectorAll("#space-table tbody tr")];
        return Object.fromEntries(rows.map(
            (row) => [row.dataset.kind, row.children[1].textContent]))"""
    before = browser.js(script)
    assert {"program", "heap", "loader", "library", "kernel"} == set(before)
    assert before["heap"] == "{:,}".format(grown.size)
    assert " to the top" in browser.text("#blocks .top")
    exit_ = next(row for row in record["phases"] if row["phase"] == "exit")
    browser.open(pages["real"], "#step=%d" % events[-1].seq)
    (mapped,) = browser.js("return [...document.querySelectorAll('#bars dd')].slice(1, 2)")
    assert "{:,} bytes)".format(exit_["mapped_bytes"]) in mapped.text
    browser.open(pages["real"], "#step=%d" % events[0].seq)
    assert "heap" not in browser.js(script)
    browser.open(pages["small"], "#step=1")
    assert "the mappings cannot be told" not in browser.text("#space")
    assert browser.complaints() == []


@in_a_browser
def test_nothing_is_said_of_what_follows_a_window(browser, monkeypatch, tmp_path):
    """A window ends within the call that made a syscall."""
    monkeypatch.setattr(data, "WHOLE", 1000)
    monkeypatch.setattr(windows, "SYSCALLS", 0)
    with trace.open(made_pages.long()) as recorded:
        (cause,) = [e.cause for e in recorded.events() if e.name == "brk" and 1900 < e.seq < 2100]
        monkeypatch.setattr(windows, "_edges", lambda *_: [(0, 9), (cause - 9, cause)])
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
    for seq, said in ((cause, "does not say whether"), (cause - 2, "It never reached the kernel")):
        browser.open(tmp_path / "a.html", "#step=%d" % seq)
        assert said in browser.text("#step .effect")


@in_a_browser
def test_a_call_is_cut_off_where_times_were_not_taken_too(browser, monkeypatch, tmp_path):
    """The window ends with a call inside it; the syscall that it makes comes next."""
    built = churn(50)
    outer, inner, brk = built.events[20:23]
    for event in (inner, brk):
        event.dur_ns, event.t_ns = 0, outer.t_ns
    outer.dur_ns, inner.outer, inner.name, inner.block = 0, outer.seq, "malloc", None
    brk.kind, brk.name, brk.cause, brk.block, brk.ptr = "syscall", "brk", outer.seq, None, 0
    monkeypatch.setattr(data, "WHOLE", 10)
    monkeypatch.setattr(windows, "SYSCALLS", 0)
    monkeypatch.setattr(windows, "_edges", lambda *_: [(0, 9), (15, inner.seq)])
    with written(tmp_path, built) as recorded:
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
    for seq, said in ((outer.seq, "does not say whether"), (17, "It never reached the kernel")):
        browser.open(tmp_path / "a.html", "#step=%d" % seq)
        assert said in browser.text("#step .effect")
