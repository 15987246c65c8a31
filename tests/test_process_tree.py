"""The tree of processes in a report: folded, a screenful at most, never wider than the page."""

import pytest
from summary_fake import usual_borders
from test_lives import FIRST, Run, Wanting, family

from alloctrace.summary.summary import summarise
from reports import about, markdown, process_tree, tables, text
from reports.ink import Ink, cells


def shown(run, process="asked", **how):
    """The rows, cells in full."""
    record = summarise(Wanting(run), process=process)
    rows = process_tree.rows(record, Ink(**how))
    return [[tables.whole(cell) for cell in row] for row in rows]


def labels(run, **how):
    return [row[0] for row in shown(run, **how)]


def test_alike_ones_are_one_line_with_their_sums():
    run = Run("make").calls(FIRST, 10)
    for pid in (101, 103, 105):
        run.spawn(FIRST, pid, "gcc").calls(pid, 2).spawn(pid, pid + 1, "cc1").calls(pid + 1, 1000)
        run.end(pid + 1).end(pid)
    rows = shown(run)
    assert [row[0] for row in rows] == ["make *", "└─ gcc × 3", "   └─ cc1 × 3"]
    assert [row[2] for row in rows] == ["10", "6", "3,000"]
    assert [row[1] for row in rows] == [str(FIRST), "", ""]


def test_different_ones_are_not():
    run = Run("sh", "x").calls(FIRST, 10)
    run.spawn(FIRST, 101, "sh", "a.sh").spawn(FIRST, 102, "sh", "b.sh").spawn(FIRST, 103, "ls")
    assert labels(run) == ["sh x *", "├─ sh a.sh", "├─ sh b.sh", "└─ ls"]


def test_what_a_process_became_stands_on_its_level():
    run = Run("env", "a").calls(FIRST, 1).spawn(FIRST, 101, "ls").exec(FIRST, "nice")
    run.exec(FIRST, "prog").calls(FIRST, 3).spawn(FIRST, 102, "cat").calls(102, 1)
    assert labels(run) == ["env", "└─ ls", "→ nice", "→ prog *", "└─ cat"]
    assert [row[-1] for row in shown(run)] == ["exec", "unknown", "exec", "status 0", "unknown"]


def test_a_fork_is_told_with_what_it_became():
    run = Run("tool").calls(FIRST, 9).fork(FIRST, 101).calls(101, 5).exec(101, "ls").calls(101, 7)
    run.fork(FIRST, 102).calls(102, 3)
    assert [row[:3] for row in shown(run)[1:]] == [
        ["├─ ls", "101", "12"],
        ["└─ tool (fork)", "102", "3"],
    ]


def test_ends():
    assert [row[-1] for row in shown(family())] == ["status 0", "status 1", "SIGKILL"]
    assert labels(family())[-1] == "└─ worker: idle"
    run = Run("tool")
    for pid, kind, status in ((101, "exited", 0), (102, "signalled", 11), (103, "running", None)):
        run.fork(FIRST, pid).end(pid, kind, status)
    assert shown(run)[-1][-1] == "SIGSEGV: 1 of 3"


@pytest.mark.parametrize("how", ["wide", "deep", "long"])
def test_a_screenful_at_most(how):
    run, parent = Run("tool"), FIRST
    for number in range(300):
        pid = 1000 + number
        run.spawn(parent, pid, "p%d" % number * (9 if how == "long" else 1)).calls(pid, number % 7)
        parent = pid if how == "deep" else FIRST
    rows = shown(run)
    assert len(rows) <= process_tree.MOST + 1
    assert "more programs" in rows[-1][0]
    total = sum(int(row[2].replace(",", "")) for row in rows)
    assert total == sum(number % 7 for number in range(300))  # what is left out is counted


def test_what_was_asked_for_is_always_there():
    run = Run("sh", "w.sh").calls(FIRST, 3)
    for number in range(60):
        run.spawn(FIRST, 200 + number, "helper%d" % number).calls(200 + number, 99)
    run.exec(FIRST, "prog").calls(FIRST, 1).spawn(FIRST, 500, "mine").calls(500, 2)
    found = labels(run)
    assert "→ prog *" in found and "└─ mine" in found
    assert found[0] == "sh w.sh"


def pages(run, locales=(True, False)):
    trace = Wanting(run)
    trace.borders = usual_borders()
    for process in ("asked", "all"):
        record = summarise(trace, process=process)
        for unicode in locales:
            yield text.render(record, trace, 80, False, None, unicode)
            yield text.render(record, trace, 80, False, False, unicode)
        markdown.render(record, trace)


HOSTILE = "\x1b[31m`|*_<b>" + "\u5bbd" * 90


@pytest.mark.parametrize("name", ["prog", HOSTILE, "x" * 999, "a b" * 99], ids=range(4))
def test_no_line_is_wider_than_the_page(name):
    run = Run(name, path="/" + name).calls(FIRST, 80)
    for number in range(40):
        pid = 200 + number
        run.spawn(FIRST, pid, name + str(number)).calls(pid, 10**3 if number < 3 else 5)
        run.fork(pid, 900 + number).end(900 + number, title=[name, name])
    for page in pages(run, (True, False) if name.isascii() else (True,)):
        assert "\x1b" not in page
        assert max(map(cells, page.splitlines())) <= 80
        assert page.count("\n") <= 110


def test_one_program_alone_needs_no_words():
    record = summarise(Wanting(Run("ls").calls(FIRST, 3)), process="asked")
    assert about.says(record) == [] and not process_tree.has_several(record)


def said(run, process="asked"):
    return " ".join(filter(None, about.says(summarise(Wanting(run), process=process))))


def test_which_and_why():
    run = Run("bash", "/x/python3").calls(FIRST, 9).exec(FIRST, "env").exec(FIRST, "python3.11")
    page = said(run.calls(FIRST, 2))
    assert "asked for: python3.11, process 100" in page
    assert "started by the script python3 and env through 2 execs" in page
    page = said(Run("timeout", "9").calls(FIRST, 9).spawn(FIRST, 101, "ls").end(101, status=3))
    assert "started by timeout, which started nothing else. It exited with status 3." in page
    page = said(Run("make").calls(FIRST, 5).spawn(FIRST, 101, "cc1").calls(101, 95))
    assert "which left 95 % of the calls to it" in page
    assert "1 other process" in page
    page = said(
        Run("d").calls(FIRST, 1).fork(FIRST, 9, copied_blocks=1, copied_bytes=7).calls(9, 99)
    )
    assert "copies of 1 block of its parent's (7 bytes), which are not counted" in page


def test_sums_are_called_so():
    assert said(family(), "all").startswith("All 3 processes together")
    assert said(family(), "ls").startswith("About ls (process 101)")
    assert said(family(), "x.sh").startswith("About 2 processes called perl together")
    run = Run("sh", "x").spawn(FIRST, 101, "ls").calls(101, 1).spawn(FIRST, 102, "ls").calls(102, 1)
    assert said(run, "ls").startswith("About 2 processes called ls together")


def test_how_many_there_are_is_never_cut():
    run, name = Run("sh").calls(FIRST, 1), "a-program-with-a-very-long-name-that-no-table-holds"
    for pid in range(101, 203):
        run.spawn(FIRST, pid, name).end(pid)
    lines = list(process_tree.section(summarise(Wanting(run)), Ink(60)))
    (line,) = [line for line in lines if "× 102" in line]
    assert "…" in line and cells(line) <= Ink(60).width
