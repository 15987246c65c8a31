"""Passes over groups in C: each says what Python's own loop says."""

import random
from array import array

import pytest

from alloctrace import kernels
from alloctrace.columns.group_table import SUMS, GroupTable, What
from alloctrace.model import Frame, Purpose, Verdict
from alloctrace.stacks.tree import LEAP, StackTree
from alloctrace.summary import group_kinds

from test_kernels import both, library, made_parents  # noqa: F401

FRAMES = [
    Frame(number, role=role, path="/p%d" % (number % 3), function=function)
    for number, (role, function) in enumerate(
        [(r, f) for r in ("loader", "user", "executable") for f in ("mmap", "work", None)] * 2
    )
]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(kernels, "FEWEST", 0)


@pytest.fixture
def by_c(monkeypatch):
    """What passes say, of which each must have done its work."""
    said, run = [], kernels.run
    monkeypatch.setattr(kernels, "run", lambda *given: said.append(run(*given)) or said[-1])
    yield said
    assert max(-1 if one is None else one for one in said) >= 0
    assert not [one for one in said if one is not None and one < 0]


def made_tree(chance, count, parents=None):
    parents = made_parents(chance, count) if parents is None else parents
    frame_of = array("I", [0] + [chance.randrange(len(FRAMES)) for _ in range(count - 1)])
    return StackTree(FRAMES, parents, frame_of)


def made_groups(chance, count, nodes, most_decided=4):
    made = GroupTable()
    made.whats = [What("call", "malloc", "malloc", 1, "main", image) for image in range(3)]
    decided = [None, -1, 0, 1, most_decided, 1 << 40]
    made.verdicts = [None, *(Verdict("user", decided_by=index) for index in decided)]
    made.purposes = [None, *(Purpose("text %d" % (n % 2), "rule %d" % n) for n in range(4))]
    for index in range(count):
        made.what.append(chance.randrange(3))
        made.verdict.append(chance.randrange(len(made.verdicts)))
        made.purpose.append(chance.randrange(len(made.purposes)))
        made.within.append(chance.randrange(index + 1) if chance.random() < 0.3 else 0)
        made.stack.append(chance.randrange(-3, nodes))
    made.region = array("I", bytes(4 * count))
    for column in (made.first_seq, made.first_t, made.before):
        column.extend(range(count))
    made.set_own_peaks(0, [chance.randrange(99) for _ in range(count)])
    made.set_sums(0, [[chance.randrange(-9 if n == "bytes" else 0, 99) for _ in range(count)]
                      for n in SUMS])  # fmt: skip
    return made


def kinds_of(groups, tree, most=None):
    """All that the kinds of groups hold; None: more than `most`."""
    nodes = tree.nodes(groups.stack)
    found = group_kinds.of(groups, tree, nodes, most)
    made = [found.deciders.tolist(), found.by_place]
    for table in (found.groups, found.rough):
        made.append({name: list(column) for name, column in table.sums.items()})
        columns = table.what, table.verdict, table.purpose, table.within, table.stack
        made.append(list(zip(*columns, table.own_peak)))
    return made


@pytest.mark.parametrize("most", [None, 0, 7, 300])
def test_kinds_and_their_sums(both, by_c, most):  # noqa: F811
    for seed in range(8):
        chance = random.Random(seed)
        tree = made_tree(chance, 60)
        groups = made_groups(chance, 400, 60)
        with_it, without = both(lambda: kinds_of(groups, tree, most))  # noqa: B023
        assert with_it == without and with_it[2]["count"]


def test_columns_of_a_trace_that_was_read_are_narrow(both, by_c, monkeypatch):  # noqa: F811
    chance = random.Random(1)
    tree = made_tree(chance, 60)
    groups = made_groups(chance, 400, 60)
    wide = kinds_of(groups, tree)
    for name in ("what", "verdict", "purpose"):
        setattr(groups, name, array("B", getattr(groups, name)))
    groups.within = array("H", groups.within)
    groups.sums = {name: array("h", column) for name, column in groups.sums.items()}
    monkeypatch.setattr(group_kinds, "_AT_ONCE", 7)
    assert both(lambda: kinds_of(groups, tree)) == [wide, wide]
    monkeypatch.setattr(group_kinds, "_MOST_WIDENED", 0)
    assert both(lambda: kinds_of(groups, tree)) == [wide, wide]


@pytest.mark.parametrize("furthest", [LEAP, 3 * LEAP + 5, 299])
def test_which_frame_decided(both, by_c, furthest):  # noqa: F811
    for seed in range(8):
        chance = random.Random(seed)
        deep = array("i", [0, *range(299)])  # one stack of all nodes
        for parents in (deep, None):
            tree = made_tree(chance, 300, parents)
            groups = made_groups(chance, 300, 300, furthest)
            nodes = tree.nodes(groups.stack)
            with_it, without = both(
                lambda: group_kinds._deciders(groups, tree, nodes)  # noqa: B023
            )
            assert with_it == without and set(with_it) - {-1}


def test_no_groups(both, by_c):  # noqa: F811
    with_it, without = both(lambda: kinds_of(GroupTable(), StackTree()))
    assert with_it == without


def test_sums_that_do_not_fit(both):  # noqa: F811
    column, kind_of = array("q", [1 << 62] * 3), array("I", [1, 1, 2])
    with_it, without = both(lambda: list(group_kinds._added(column, kind_of, 2)))
    assert with_it == without == [1 << 63, 1 << 62]


NOTHING = array("I", [0])


@pytest.mark.parametrize(
    "name, given",
    [
        ("kinds", (NOTHING, NOTHING, NOTHING, array("I", [1]), array("i", [0]), 1)),
        ("added", (array("q", [1]), array("I", [0]), 1, array("q", [0]), 1)),
        ("added", (array("q", [1]), array("I", [2]), 1, array("q", [0]), 1)),
    ],
)
def test_twin_what_contradicts_itself(library, name, given):  # noqa: F811
    kernels.use(library)
    room = [array("I", [0]) for _ in range(3)] + [1] if name == "kinds" else []
    assert kernels.run(name, *given, *room) < 0


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"parents": array("i", [0, 2, 0])},
        {"parents": array("i", [0, 1, 0])},
        {"frame_of": array("I", [0, 0, 5])},
        {"leaps": array("i", [0, 0, 2])},
        {"begins": array("i", [3])},
        {"verdict_of": array("I", [1])},
    ],
    ids=str,
)
def test_twin_nodes_that_are_not_there(library, change):  # noqa: F811
    kernels.use(library)
    flags = bytearray(1)
    given = {
        "parents": array("i", [0, 0, 1]),
        "frame_of": array("I", [0, 0, 0]),
        "nodes": 3,
        "leaps": array("i", [0, 0, 0]),
        "leap": 16,
        **{"silent": flags, "in_loader": flags, "has_name": flags, "frames": 1},
        "begins": array("i", [2]),
        "verdict_of": array("I", [0]),
        **{"count": 1, "decided": array("q", [0]), "verdicts": 1, "found": array("i", [7])},
    }
    result = kernels.run("deciders", *{**given, **change}.values())
    assert (result < 0) == bool(change)
    assert change or list(given["found"]) == [0]
