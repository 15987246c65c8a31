"""Places by any measure, their chains, and the tree of calls."""

import json

import pytest

from alloctrace.stacks.tree import StackTree
from alloctrace.summary import call_tree, chosen, summary
from alloctrace.trace import trace
from command import report, summaries
from start.errors import UserError
from made_pages import hostile_trace, long_trace
from reports import measures, ranked
from summary_fake import FakeTrace, call, frame, syscall
from test_reports_command import arguments

START, MAIN = frame("_start", module="a.out"), frame("main", file="/x/a.c", line=11)
GROW, READ = frame("grow", file="/x/a.c", line=5), frame("read", file="/x/a.c", line=7)


def some_trace():
    """`grow` asks for much and frees it, `read` for little that stays and reached the kernel."""
    stacks = {1: (GROW, MAIN, START), 2: (READ, MAIN, START), 3: (READ, GROW, MAIN, START)}
    events = [
        call(0, size=1009, stack=1),
        call(1, "free", block=0, ptr=0, result=None, stack=1),
        call(2, size=1013, stack=1),
        call(3, "free", block=2, ptr=0x2000, result=None, stack=1),
        call(4, size=47, stack=2),
        syscall(5, "brk", 4096, cause=4, stack=2, phase="main"),
        call(6, size=53, stack=3),
    ]
    return FakeTrace(events, stacks=stacks)


def rendered(recorded, markdown=False, width=100, **choice):
    choice = ranked.Choice(**choice)
    field = measures.BY[choice.by].field
    record = summary.summarise(recorded, by=field, top_sites=choice.sites)
    if markdown:
        return ranked.render_markdown(record, recorded, choice)
    return ranked.render(record, recorded, choice, width, unicode=True)


def rows(text, title):
    """The lines of a section, without its titles."""
    lines = text.split("\n")
    begin = next(at for at, line in enumerate(lines) if line.startswith(title))
    return [line for line in lines[begin + 1 :] if line]


@pytest.mark.parametrize(
    "by, shown, first",
    [
        ("bytes", "2 places, all of 2.1 KiB", ["95 %", "2 KiB", "grow"]),
        ("calls", "2 places, all of 4", ["50 %", "2", "grow"]),
        ("peak", "1 of 2 places, all of 1013 B", ["100 %", "1013 B", "grow"]),
        ("live", "1 of 2 places, all of 100 B", ["100 %", "100 B", "read"]),
        ("temporary", "1 of 2 places, all of 2 KiB", ["100 %", "2 KiB", "grow"]),
        ("kernel", "1 of 2 places, all of 1", ["100 %", "1", "read"]),
    ],
)
def test_places_by_each_measure(by, shown, first):
    text = rendered(some_trace(), by=by)
    assert "Sites  by %s: %s" % (measures.BY[by].means, shown) in text
    cells = rows(text, "Sites")[1].split("  ")
    assert [cell.strip() for cell in cells if cell.strip()][:2] == first[:2]
    assert first[2] in rows(text, "Sites")[1]


def test_each_place_has_its_whole_chain():
    lines = rows(rendered(some_trace(), by="live", stacks=True), "Sites")
    assert lines[2:] == [
        "      53 B: read a.c:7 ← grow a.c:5 ← main a.c:11 ← _start",
        "      47 B: read a.c:7 ← main a.c:11 ← _start",
    ]
    assert len(rows(rendered(some_trace(), by="live"), "Sites")) == 2
    made = rendered(some_trace(), markdown=True, by="bytes", stacks=True)
    assert "  * `grow a.c:5 ← main a.c:11 ← _start`" in made


def test_the_tree_adds_up():
    lines = rows(rendered(some_trace(), by="bytes", tree=True), "Tree of calls")
    assert [line[10:].strip() for line in lines] == [
        "2.1 KiB  _start",
        "2.1 KiB  main",
        "2 KiB  ├─ grow",
        "53 B  │  ├─ read",
        "2 KiB  │  └─ itself",
        "47 B  └─ read",
    ]


def test_the_tree_is_pruned_and_says_so():
    text = rendered(some_trace(), by="bytes", tree=True, top=2)
    assert rows(text, "Tree of calls")[-1].endswith("└─ … 2 other functions")
    assert "100 %  2.1 KiB  main" in text
    recorded = some_trace()
    values = call_tree.of_groups(recorded, None, lambda group: group.allocated)
    root = call_tree.grow(recorded.tree, values, 60, fewest=0.05)
    (start,) = root.below
    (main,) = start.below
    assert main.rest == (1, 47)
    assert main.value == sum(child.value for child in main.below) + main.rest[1]


def test_deep_and_wide_trees_are_drawn():
    deep = StackTree.of({1: tuple(frame("f%d" % n) for n in range(9000))})
    node = call_tree.grow(deep, {deep.node(1): 5}, 20000)
    depth = 0
    while node.below:
        node, depth = node.below[0], depth + 1
    assert (depth, node.value) == (9000, 5)
    wide = StackTree.of({n: (frame("f%d" % n), MAIN) for n in range(1, 3000)})
    root = call_tree.grow(wide, {wide.node(n): 1 for n in range(1, 3000)}, 60)
    assert root.below[0].rest == (2999, 2999)


def test_what_has_no_stack_is_said():
    text = rendered(FakeTrace([call(0, size=17)]), by="bytes", tree=True)
    assert rows(text, "Tree of calls")[0].endswith("no stack")
    nothing = FakeTrace([])
    assert rows(rendered(nothing, tree=True), "Tree of calls") == ["  nothing"]
    assert "no places" in rendered(nothing, by="peak", stacks=True)


def test_hostile_names_stay_names():
    for markdown in (False, True):
        made = rendered(hostile_trace(), markdown, by="bytes", tree=True, stacks=True)
        assert not set("\u202e\u200b\x1b\udcff") & set(made)
        assert "\\u202e" in made
        assert markdown or len(made) < 20000


def test_of_one_program_of_several_the_peak_is_its_own():
    recorded = some_trace()
    for event in recorded._events[4:]:
        event.pid = 8
    recorded.run.update(peaks=[{"pid": 8, "image": 0, "bytes": 100, "seq": 6, "t_ns": 1}])
    record = summary.summarise(recorded, process="8", by="peak_bytes")
    assert (record["peak"]["pid"], record["peak"]["image"]) == (8, 0)
    of_it = [group for group in recorded.sums().groups if group.pid == 8]
    assert record["sites_by"]["sum"] == sum(map(chosen.at_peak(record), of_it)) == 100


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return long_trace(str(tmp_path_factory.mktemp("ranked") / "long.brkpoint"), calls=300)


def test_json_is_ordered_and_cut(long):
    with trace.open(long) as recorded:
        args = arguments("--json", "--by", "kernel", "--top", "1")
        made = json.loads(report.render(args, recorded, report._choice(args)))
        assert made["sites_by"] == {"measure": "calls_reaching_kernel", "sum": 1}
        assert [row["calls_reaching_kernel"] for row in made["sites"]] == [1]
        args = arguments("--tree", "--width", "90")
        assert "Tree of calls" in report.render(args, recorded, report._choice(args))


@pytest.mark.parametrize(
    "words, said",
    [
        (["--by", "bytes", "--events"], "combined with --events"),
        (["--top", "3", "--html", "x"], "combined with --html"),
        (["--json", "--tree"], "have no JSON form"),
    ],
)
def test_what_does_not_go_together_is_said(long, words, said):
    with pytest.raises(UserError, match=said):
        report.invoke(arguments(long, *words))


@pytest.mark.parametrize("words", [["--top", "0"], ["--top", "x"], ["--by", "size"]])
def test_a_wrong_number_or_measure_is_refused(words):
    with pytest.raises(SystemExit):
        arguments(*words)


def test_an_older_trace_that_does_not_know_is_told(long, monkeypatch):
    def of_older(*_args, **_more):
        return {"sites_by": {"measure": "peak_bytes", "sum": None}}

    monkeypatch.setattr(summaries, "summarise", of_older)
    with pytest.raises(UserError, match="older trace"):
        report.invoke(arguments(long, "--by", "peak"))
