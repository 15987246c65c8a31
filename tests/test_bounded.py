"""The way from spool to trace is in proportion to what is new, whatever the stacks."""

import io
import sys
from alloctrace.plain import replace

import pytest

import made_nodes
import made_traces
from alloctrace.history import history
from alloctrace.model import Module
from alloctrace.purpose import classify, judging
from alloctrace.spool import spool
from alloctrace.stacks.beginnings import LONGER, Beginnings
from alloctrace.stacks.tree import StackTree
from alloctrace.summary.summary import summarise
from alloctrace.symbols import symbols
from alloctrace.symbols.places import Places
from alloctrace.trace import trace
from command import watching
from test_history_c import convert, tool  # noqa: F401


def steps(work):
    """How many functions `work` calls: of Python and of its library."""
    counted = [0]

    def count(frame, event, arg):
        counted[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted[0]


def make(folder, built):
    path = str(folder / "t.brkpoint")
    trace.write(path, built, symbols.symbolise(built, gdb=None, notes=[]), {}, force=True)
    with trace.open(path) as opened:
        return summarise(opened)


@pytest.mark.parametrize("outer", ["program", "library", "nowhere"])
def test_a_stack_costs_what_is_new_in_it_however_deep(tmp_path, outer):
    classify.prepare()
    depths = (LONGER + 12, 8 * (LONGER + 12))  # shorter ones cost less yet: they are remembered
    shallow, deep = (made_nodes.recorded(3000, depth, outer) for depth in depths)
    make(tmp_path, made_nodes.recorded(10, 20, outer))  # what is read once
    few, many = (steps(lambda: make(tmp_path, built)) for built in (shallow, deep))
    assert many < 1.5 * few
    unrolled = [steps(lambda: list(map(dict(b.stacks).get, b.stacks))) for b in (shallow, deep)]
    assert unrolled[1] > 5 * unrolled[0]  # what each stack by itself would cost


def test_twice_the_stacks_cost_twice(tmp_path):
    classify.prepare()
    make(tmp_path, made_nodes.recorded(10, 50))
    one, two = (steps(lambda: make(tmp_path, made_nodes.recorded(n, 50))) for n in (10000, 20000))
    assert two < 2.2 * one and two - one < 200 * 10000


@pytest.mark.parametrize("outer", ["program", "library", "nowhere"])
def test_each_stack_is_judged_as_by_itself(tmp_path, outer):
    """Shared walks against walks that share nothing."""
    built = made_nodes.recorded(400, 60, outer)
    tree = symbols.symbolise(built, gdb=None, notes=[])
    judge = judging.Judge(built, tree)
    for id_ in tree:
        alone = judging.Judge(built, StackTree.of({id_: tree[id_]}))
        asked = [j.asker(0, "main", "malloc")(j.tree.node(id_)) for j in (judge, alone)]
        assert asked[0] == asked[1]
        assert asked[0].origin == "user" and asked[0].direct == (outer == "program")


def test_what_is_asked_of_all_nodes_is_what_each_stack_says():
    """Long ways are gone in leaps, and of one program every frame is one of its stacks'."""
    tree = symbols.symbolise(made_nodes.recorded(40, 90, "library"), gdb=None, notes=[])
    node = tree.node(max(tree))
    walked = [node]
    while walked[-1] > 0:
        walked.append(tree.parents[walked[-1]])
    assert len(walked) > 90
    assert [max(0, tree.outer(node, at)) for at in range(200)] == walked + [0] * (200 - len(walked))
    nodes = tree.nodes(list(tree))
    for keys in ([7] * len(nodes), [7, 8] * (len(nodes) // 2)):
        told = tree.said(keys, nodes, lambda frame: frame.pc % 5 or None)
        tree.is_of_nodes = not tree.is_of_nodes
        assert told == tree.said(keys, nodes, lambda frame: frame.pc % 5 or None)


def test_a_beginning_holds_for_no_other_stack():
    """What was looked at is what an answer rests on: one frame more would be another question."""
    frames = [made_traces.Frame(number, function="f%d" % number) for number in range(4)]
    tree = StackTree.of({1: (frames[0], frames[1], frames[2]), 2: (frames[0], frames[1]), 3: ()})
    asked, answers = [], Beginnings(tree)

    def ask(stack):
        asked.append(stack)
        return stack[1].function if len(asked) < 2 else len(list(stack))

    assert answers.answer("second", tree.node(1), ask) == "f1"
    assert answers.answer("second", tree.node(2), ask) == "f1" and len(asked) == 1
    assert answers.answer("depth", tree.node(1), ask) == 3
    assert answers.answer("depth", tree.node(2), ask) == 2
    assert answers.answer("depth", tree.node(3), ask) == 0


def test_a_very_deep_stack_is_remembered_whole_and_for_the_next_run():
    """Its beginning is too long for that; what differs far out, or in why it was cut, is other."""
    make = made_traces.Frame
    inner = [make(number, function="f%d" % number) for number in range(90)]
    ends = [make(90 + end, function="end%d" % end) for end in range(2)]
    stacks = {end + 1: (*inner, ends[end]) for end in range(2)}
    raw = {id_: spool.Stack(id_, cut, ()) for id_, cut in ((1, 0), (2, 0), (3, 1))}
    tree = StackTree.of({**stacks, 3: stacks[1]}, raw)
    asked = []

    def ask(stack):
        asked.append(stack[90].function)
        return asked[-1]

    first = Beginnings(tree)
    for _ in range(2):
        found = [first.answer("end", tree.node(id_), ask) for id_ in (1, 2, 3)]
        assert found == asked == ["end0", "end1", "end0"]
    known = first.packed(), first.answers, first.tables, first.whole
    later = Beginnings(tree, None, None, *known)
    assert [later.answer("end", tree.node(id_), ask) for id_ in (2, 1)] == ["end1", "end0"]
    assert len(asked) == 3 and not later.has_more
    assert later.answer("other", tree.node(1), ask) == "end0" and len(asked) == 4


@pytest.mark.parametrize("apart", [0, 1 << 32])
def test_images_at_the_same_addresses_cost_no_more_each(apart):
    """As with --fixed-addresses; the twin: each at its own. A place is its own image's."""

    def find(count):
        modules = [
            Module(image, "/m", at, at, at + 99, loaded_ns=image, image=image)
            for image, at in enumerate(range(4096, 4096 + count * (apart or 1), apart or 1))
        ]
        places = Places(modules, lambda module, offset: False)
        for module in modules:
            number = places.find(module.start + 9, (count, module.image))
            assert places.found[number][0].module is module
            assert places.lasting(module.image) == {module.start + 9: number}

    one, two = steps(lambda: find(100)), steps(lambda: find(200))
    assert two < 2.2 * one


def test_what_differs_in_the_address_alone_is_asked_once():
    """As the processes of one program do, each at addresses of its own."""
    one = made_traces.Frame(1, module="m", path="/m", offset=1, function="f", line=3)
    other, elsewhere = one.at(99), replace(one, line=4)
    assert other == replace(one, pc=99) and vars(other).keys() == vars(one).keys()
    tree = StackTree.of({1: (one,), 2: (other,), 3: (elsewhere,)})
    asked, answers = [], Beginnings(tree)

    def ask(stack):
        asked.append(stack[0].line)
        return stack[0].line

    assert [answers.answer("line", tree.node(id_), ask) for id_ in (1, 2, 3)] == [3, 3, 4]
    assert asked == [3, 4]
    assert [frame.pc for id_ in (1, 2) for frame in tree[id_]] == [1, 99]


@pytest.mark.usefixtures("tool")
def test_of_too_many_groups_nothing_false_is_said(tmp_path, monkeypatch):
    """What the rest is for is what an example would have told, or unknown."""
    monkeypatch.setattr("alloctrace.history.packed.MANY", 3)
    _, _, path = convert(tmp_path, made_traces.made_records())
    told = {}
    for limit in (10**9, 1):
        monkeypatch.setattr(classify, "MAX_ASKED", limit)
        built = history.build(spool.read(path))
        classify.classify(built, made_traces.symbolise(built))
        told[limit] = [group.purpose for group in built.packed.sums.groups]
    for whole, short in zip(*told.values()):
        assert short == whole or short.text is None
    assert any(short != whole for whole, short in zip(*told.values()))


def test_what_is_being_done_is_told_on_a_terminal(tmp_path, monkeypatch):
    for is_terminal, size, told in (
        (True, 2 << 20, True),
        (False, 2 << 20, False),
        (True, 9, False),
    ):
        said = io.StringIO()
        said.isatty = lambda is_terminal=is_terminal: is_terminal
        monkeypatch.setattr(sys, "stderr", said)
        (tmp_path / "s").write_bytes(b"x" * size)
        with watching.working(str(tmp_path / "s"), False) as tell:
            tell("naming functions")
        assert ("making the trace of 2.0 MiB: naming functions" in said.getvalue()) == told
        assert said.getvalue().endswith("\r\033[K") == told
