"""What each place asked for, by thread and part of a run that is too long for its page."""

import re
import sqlite3
import subprocess
from collections import Counter

import pytest

import made_fates
import made_pages
from alloctrace import measure
from alloctrace.columns import columns
from alloctrace.columns.check import TraceError
from alloctrace.history import history
from alloctrace.summary import summary
from alloctrace.summary.sites import PLACE, place
from alloctrace.trace import trace
from made_records import MAIN, Made
from reports.page import cells, data, fates, replay, windows

CALLS = 997
FAILING = 4  # the line whose calls hand out nothing at times
WHY_NOT = made_pages.why_no_browser()


def write(path):
    """Three threads, each with calls of its own from five lines of main."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    for number in range(CALLS):
        tid, line, address = 77 + number % 3, number % 5, 0x4000 + 64 * number
        result = 0 if line == FAILING and number % 7 == 0 else address
        if line == 3:
            made.call("calloc", number % 4, 10 + number % 11, result=result, line=line, tid=tid)
        else:
            made.call("malloc", 100 + number % 13, result=result, line=line, tid=tid)
        if number % 2:
            made.call("free", result, line=line, tid=tid)
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    built = history.build(made.records)
    stacks = {
        id_: made_fates.frames(stack.frames[1][0] - MAIN) for id_, stack in built.stacks.items()
    }
    trace.write(path, built, stacks, {"program": "/bin/target"})
    return path


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """So many events are too many for a page."""
    monkeypatch.setattr(data, "WHOLE", 100)
    monkeypatch.setattr(windows, "BINS", 128)
    monkeypatch.setattr(cells, "PARTS", 32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(str(tmp_path_factory.mktemp("cells") / "a.brkpoint"))


def facts_of(recorded):
    return data.of(summary.summarise(recorded), recorded)


def told(facts):
    """{(place, tid, part): [bytes, allocations]}"""
    found = {}
    for site, _, origin, phase, program, tid, *parts in facts["bins"]["cells"]["rows"]:
        assert (phase, program) == ("main", "77.0")
        name = tuple(facts["sites"]["rows"][site][: len(PLACE)]) if site >= 0 else origin
        for part, size, times in zip(*parts[:3]):
            sums = found.setdefault((name, tid, part), [0, 0])
            sums[0] += size
            sums[1] += times
    return found


def counted(recorded, facts, skips=FAILING):
    """The same, event by event."""
    found, wide = {}, facts["bins"]["width"] * facts["bins"]["cells"]["per"]
    for event in recorded.events():
        frame = recorded.tree.deciding_frame(event.stack, event.verdict)
        if measure.hands_out(event) and (frame.line != skips or event.name != "malloc"):
            *name, offset, origin = place(frame, measure.origin(event))
            key = (*name, hex(offset) if offset is not None else None, origin)
            sums = found.setdefault((key, str(event.tid), event.seq // wide), [0, 0])
            sums[0] += measure.bytes_asked(event)
            sums[1] += 1
    return found


def test_places_by_thread_and_part_are_those_of_the_events(path):
    with trace.open(path) as recorded:
        facts = facts_of(recorded)
        assert facts["bins"]["tids"] == ["77", "78", "79"]
        found = told(facts)
        assert found == counted(recorded, facts)
        assert len({part for *_, part in found}) > 20
        left_out = facts["bins"]["cells"]["left_out"]
        allocated = summary.summarise(recorded)["allocated"]
    assert left_out[1] == sum(n % 5 == FAILING and n % 7 > 0 for n in range(CALLS))
    sums = [sum(row[at] for row in found.values()) + left_out[at] for at in (0, 1)]
    assert sums == [allocated["bytes"], allocated["blocks"]]


FATES = ("peak", "left", "temporary", "reached", "syscalls")


def un_nested(event, events):
    return event if event.outer is None else events[event.outer]


def fates_counted(recorded, facts):
    """{(line, tid, part): [bytes or calls of FATES]}, event by event."""
    events, found = list(recorded.events()), {}
    wide = facts["bins"]["width"] * facts["bins"]["cells"]["per"]
    became = replay.of(events, summary.summarise(recorded))
    causes = [events[event.cause] for event in events if event.cause is not None]
    made = Counter(un_nested(call, events).seq for call in causes)
    for event in filter(measure.hands_out, events):
        line = recorded.tree.deciding_frame(event.stack, event.verdict).line
        sums = found.setdefault((line, str(event.tid), event.seq // wide), [0] * len(FATES))
        for at, name in enumerate(FATES[:3]):
            sums[at] += became[name][event.seq]
        sums[3] += event.seq in made
        sums[4] += made[event.seq]
    return found


def fates_told(facts):
    """The same; None where the page does not know."""
    found = {}
    for site, *_, tid, parts, asked, times, peak, left, temporary, reached, syscalls in facts[
        "bins"
    ]["cells"]["rows"]:
        line = facts["sites"]["rows"][site][3]
        whole = {0: [0] * len(parts), 1: asked, None: [None] * len(parts)}
        of = [whole[x] if not isinstance(x, list) else x for x in (peak, left, temporary)]
        of.append(times if reached == 1 else [0] * len(parts) if reached == 0 else reached)
        of.append([0] * len(parts) if syscalls == 0 else syscalls)
        for part, *values in zip(parts, *[o or [None] * len(parts) for o in of]):
            sums = found.setdefault((line, tid, part), [0] * len(FATES))
            sums[:] = [None if v is None else v + w for v, w in zip(values, sums)]
    return found


def test_what_became_of_a_part_is_that_of_its_events(tmp_path):
    with trace.open(made_fates.write(str(tmp_path / "a.brkpoint"))) as recorded:
        facts = facts_of(recorded)
        told_, counted_ = fates_told(facts), fates_counted(recorded, facts)
    assert told_.keys() == counted_.keys()
    unknown = {name: set() for name in FATES}
    for key, values in told_.items():
        for name, value, true in zip(FATES, values, counted_[key]):
            assert value in (None, true), (key, name)
            if value is None:
                unknown[name].add(key[0])
    known = {"reached": set(), "syscalls": set()}
    assert unknown == {"peak": {1, 2, 3, 4}, "left": set(), "temporary": {2, 3}, **known}
    assert sum(values[3] for values in told_.values()) > 100


def test_twin_of_too_many_or_of_wrong_sums_nothing_is_told(tmp_path, monkeypatch):
    path = made_fates.write(str(tmp_path / "a.brkpoint"))
    monkeypatch.setattr(fates, "BLOCKS", 10)
    monkeypatch.setattr(fates, "SYSCALLS", 10)
    with trace.open(path) as recorded:
        told_ = fates_told(facts_of(recorded))
    assert {key[0] for key, values in told_.items() if values[1] is None} == {2, 3}
    assert {key[0] for key, values in told_.items() if values[3] is None} == {3, 4}
    monkeypatch.setattr(fates, "BLOCKS", made_fates.CALLS)
    monkeypatch.setattr(fates, "SYSCALLS", made_fates.CALLS)
    statement = "UPDATE blocks SET size = size + 1 WHERE number = (SELECT max(number) FROM blocks)"
    with trace.open(changed(path, tmp_path, statement)) as recorded:
        told_ = fates_told(facts_of(recorded))
    assert any(values[1] is None for values in told_.values())
    assert not any(values[3] is None for values in told_.values())


def test_many_cells_are_of_longer_parts_and_add_up_the_same(path, monkeypatch):
    monkeypatch.setattr(cells, "CELLS", 40)
    with trace.open(path) as recorded:
        facts = facts_of(recorded)
        assert facts["bins"]["cells"]["per"] > 4
        assert told(facts) == counted(recorded, facts)


def test_threads_beyond_the_limit_are_one(path, monkeypatch):
    monkeypatch.setattr(windows, "THREADS", 2)
    with trace.open(path) as recorded:
        facts = facts_of(recorded)
    assert facts["bins"]["tids"] == ["77", "78", None]
    by_tid = Counter()
    for row in facts["bins"]["series"]:
        by_tid[row["tid"]] += sum(row["n"])
    assert by_tid["77"] + by_tid["78"] + by_tid[None] == CALLS + CALLS // 2
    assert by_tid[None] == sum(1 + n % 2 for n in range(CALLS) if n % 3 == 2)


def test_places_beyond_the_limit_are_told_by_origin(path, monkeypatch):
    monkeypatch.setattr(cells, "LEAVES", 1)
    with trace.open(path) as recorded:
        facts = facts_of(recorded)
        names = {name for name, *_ in told(facts)}
        whole = sum(size for size, _ in counted(recorded, facts).values())
    assert len(names) == 2 and "unknown" in names
    assert sum(size for size, _ in told(facts).values()) == whole


def changed(path, tmp_path, statement, *values):
    copy = tmp_path / "changed.brkpoint"
    with open(path, "rb") as file:
        copy.write_bytes(file.read())
    connection = sqlite3.connect(copy)
    with connection:
        connection.execute(statement, values)
    connection.close()
    return str(copy)


def test_where_sums_are_not_those_of_the_groups_none_are_told(path, tmp_path):
    statement = "UPDATE groups SET allocated = allocated + 1 WHERE id = 1"
    with trace.open(changed(path, tmp_path, statement)) as recorded:
        assert facts_of(recorded)["bins"]["cells"] is None


@pytest.mark.parametrize("few", [0, windows._Classes.FEW])
@pytest.mark.parametrize("wrong", [0, -3, 10**6, 1 << 62])
def test_an_event_of_no_group_is_damage(path, tmp_path, monkeypatch, wrong, few):
    monkeypatch.setattr(windows._Classes, "FEW", few)
    with trace.open(path) as recorded:
        ((_, chunk),) = recorded.packed_chunks(("group",))
        packed = columns.encode(chunk.column("group")[:-1] + [wrong], False)
    statement = "UPDATE columns SET width=?, base=?, period=?, data=? WHERE name='group'"
    with trace.open(changed(path, tmp_path, statement, *packed)) as recorded:
        with pytest.raises(TraceError):
            facts_of(recorded)


@pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
def test_the_page_filters_places_by_thread_and_range(browser, path, tmp_path):
    with trace.open(path) as recorded:
        page, facts = made_pages.page_of(recorded), facts_of(recorded)
        sums = counted(recorded, facts)
        calls = [(str(event.tid), event.seq) for event in recorded.events() if event.kind == "call"]
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    wide = facts["bins"]["width"] * facts["bins"]["cells"]["per"]
    script = """return [...document.querySelectorAll("td[data-label=allocations]")].map(
        (cell) => Number(cell.textContent.replaceAll(",", "")))"""
    browser.open(tmp_path / "a.html")
    whole = browser.js(script)
    browser.click("[data-tid='78']")
    of_thread = sum(n for (_, tid, _), (_, n) in sums.items() if tid == "78")
    assert sum(browser.js(script)) == of_thread < sum(whole)
    assert "thread 78; 170 allocations by" in browser.text("#sites-said")
    browser.js("location.hash = 'range=%d-%d'" % (2 * wide, 4 * wide - 2))
    browser.wait("document.getElementById('sites-said').textContent.includes('told apart, events')")
    of_range = sum(n for (_, _, part), (_, n) in sums.items() if part in (2, 3))
    assert sum(browser.js(script)) == of_range
    in_range = Counter(tid for tid, seq in calls if 2 * wide <= seq < 4 * wide)
    cells_of = (
        "return document.querySelector('[data-tid=\"%s\"]').closest('tr').cells[1].textContent"
    )
    assert {tid: int(browser.js(cells_of % tid)) for tid in in_range} == in_range
    said = "events %d to %d, because places are counted in steps of" % (2 * wide, 4 * wide - 1)
    assert said in browser.text("#sites-said") and said in browser.text("#flame-of")
    for name, is_known in (("live_bytes", True), ("temporary_bytes", False)):
        button = "return document.querySelector('[data-measure=%s]').disabled" % name
        assert browser.js(button) is not is_known
    left = "return document.querySelector('td[data-label=left]').textContent"
    assert browser.js(left).replace(",", "").isdigit()
    assert browser.js(left.replace("=left", "=temporary")) == "?"
    command = browser.text("#sites-command")
    ends = 2 * wide, 4 * wide - 1
    assert re.fullmatch(r"brkpoint report \S+ --by (peak|temporary) --seq %d-%d" % ends, command)
    shown = [*made_pages.COMMAND, *command.split()[1:]]
    done = subprocess.run(shown, stdout=subprocess.PIPE, check=True)
    assert "Events %d to %d alone: " % ends in done.stdout.decode()
    browser.click("#filters .link")
    assert browser.js(script) == whole
    assert browser.complaints() == []


@pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
def test_counts_of_several_threads_are_added_up(browser, path, tmp_path):
    """In the table of the strip, and in what filters hide."""
    with trace.open(path) as recorded:
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
        calls = sum(measure.is_call(event) for event in recorded.events())
    browser.open(tmp_path / "a.html", "#phase=main")
    assert browser.text("#hides") == "nothing is hidden"
    assert "{:,} /".format(calls) in browser.text("[data-cell='unknown main']")
    browser.js("document.querySelector('#strip details').open = true")
    row = "return [...document.querySelectorAll('#strip-table tr')].map((r) => r.textContent)"
    assert "main{:,}0".format(calls) in browser.js(row)


@pytest.mark.parametrize("make", [write, made_fates.write])
def test_a_page_is_the_same_however_its_events_are_counted(tmp_path, monkeypatch, make):
    """By bytes where few things tell them apart, by numbers where many do; by any piece."""
    with trace.open(make(str(tmp_path / "b.brkpoint"))) as recorded:
        page = made_pages.page_of(recorded)
        monkeypatch.setattr(windows._Classes, "FEW", 0)
        monkeypatch.setattr(cells, "KEPT", 1)
        assert made_pages.page_of(recorded) == page


@pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
def test_a_long_run_by_time(browser, tmp_path):
    """By time its first half takes a tenth, by bytes two thirds: a click goes to what is there."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    for number in range(1000):
        size = 200 if number < 500 else 100
        made.call("malloc", size, result=0x4000 + 256 * number)
        made.now += 180 if number >= 500 else 0
    built = history.build(made.records)
    stacks = {id_: made_fates.frames(1) for id_ in built.stacks}
    trace.write(str(tmp_path / "a.brkpoint"), built, stacks, {"program": "/bin/target"})
    with trace.open(str(tmp_path / "a.brkpoint")) as recorded:
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
    browser.open(tmp_path / "a.html")
    for name, wanted in (("number", 500), ("bytes", 375), ("time", 725)):
        browser.click("[data-x=%s]" % name)
        browser.click("canvas.strip")  # its middle
        step = int(re.search(r"step=(\d+)", browser.hash()).group(1))
        assert abs(step - wanted) < 20, name
    assert "x=time" in browser.hash() and browser.complaints() == []
