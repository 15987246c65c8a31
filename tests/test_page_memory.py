"""Memory as the page shows it at a step; some of it in a real browser."""

import random

import pytest

import made_pages
from alloctrace import measure
from alloctrace.history import history
from alloctrace.space import live_blocks
from alloctrace.space.changes import Changes
from alloctrace.trace import trace
from made_records import MAIN, Made
from made_traces import symbolise
from reports.page import data, memory

WHY_NOT = made_pages.why_no_browser()
in_a_browser = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def churn(path, calls=7000):
    """A run in which blocks live short and long, and some are moved."""
    made, chance, live, at = Made(), random.Random(7), {}, 0x10000
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    for number in range(calls):
        act = chance.random()
        if live and act < 0.46:
            made.call("free", live.pop(chance.choice(list(live)[-30:])), line=number % 3)
            continue
        at, size = at + 4096, chance.randrange(1, 3000)
        if live and act < 0.5:
            name = chance.choice(list(live)[-30:])
            made.call("realloc", live[name], size, result=at)
            live[name] = at
        else:
            made.call("malloc", size, result=at, line=number % 5)
            live[number] = at
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    built = history.build(made.records)
    trace.write(path, built, symbolise(built), {"program": "/bin/target"})
    return path


@pytest.fixture(scope="module")
def churned(tmp_path_factory):
    path = churn(str(tmp_path_factory.mktemp("churn") / "churn.brkpoint"))
    with trace.open(path) as recorded:
        yield recorded


def replayed(recorded, moments):
    """{seq: {number: (address, bytes, seq)} right before it}, event by event."""
    live, found = {}, {}
    for event in recorded.events():
        if event.seq in moments:
            found[event.seq] = dict(live)
        if measure.hands_out(event):
            live[event.block] = (event.result, measure.bytes_asked(event), event.seq)
        elif event.name == "free":
            live.pop(event.block, None)
    return found


@pytest.mark.parametrize("few", [0, live_blocks.FEW])
def test_blocks_before_a_moment_are_those_of_a_replay(churned, monkeypatch, few):
    monkeypatch.setattr(live_blocks, "FEW", few)  # 0: of the second half from the end
    moments = [0, 1, 100, 2999, 3600, 5000, 6990]
    found = live_blocks.before(churned, None, moments, 10000)
    told = {
        seq: {block.number: (block.address, block.size, block.made) for block in blocks}
        for seq, blocks in found.items()
    }
    assert told == replayed(churned, moments)
    assert live_blocks.before(churned, None, [5000], 5) == {5000: len(told[5000])}


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
    class Groups:
        whats, what = [("syscall", "brk"), ("syscall", "mmap")], [0, 1]

    changes = Changes(Groups)
    for seq, group in ((3, 1), (20, 1), (25, 1), (30, 2), (40, 1), (60, 1), (61, 1)):
        changes.add(seq, [group], 0, [0])
    assert changes.told([[0, 9], [50, 55]]) == [3, 25, 30, 40, 61]
    assert changes.stopped is None


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
