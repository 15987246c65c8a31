"""Passes in C over the nodes of stacks: each says what Python's own loop says."""

import random
from array import array
from collections import Counter
from types import SimpleNamespace

import pytest
from test_kernels import both, library  # noqa: F401

from alloctrace import kernels
from alloctrace.columns.group_table import What
from alloctrace.model import Frame, Module
from alloctrace.stacks import beginnings, grower, packed_beginnings
from alloctrace.stacks.beginnings import Beginnings
from alloctrace.stacks.nodes import NodeStacks
from alloctrace.stacks.tree import StackTree
from alloctrace.stacks.unions import Unions
from alloctrace.symbols import stacks as symbol_stacks
from alloctrace.symbols.places import Places

PAGE = 1 << 12


@pytest.fixture(autouse=True)
def of_few(monkeypatch):
    """Passes are used for few rows as well."""
    monkeypatch.setattr(kernels, "FEWEST", 0)


def made_nodes(chance, count):
    """NodeStacks of few program counters, some stacks of them long; ends are of all kinds."""
    made, nodes = NodeStacks(), range(1, count)
    parents = [0 if chance.random() < 0.03 else chance.randrange(max(0, n - 5), n) for n in nodes]
    parents = [-chance.randrange(7) if parent == 0 else parent for parent in parents]
    pcs = [chance.choice((0, PAGE, 2 * PAGE, 1 << 63)) + chance.randrange(40) for _ in nodes]
    assert made.add(array("i", nodes), array("i", parents), array("Q", pcs))
    return made


class Groups(SimpleNamespace):
    def __len__(self):
        return len(self.what)


def made_groups(chance, count, groups):
    """What _OfNodes asks of a GroupTable: of three images, in any order."""
    whats = [What("call", "malloc", None, 1, "main", image) for image in (5, 1 << 63, 5, 2)]
    return Groups(
        whats=whats,
        what=array("I", [chance.randrange(len(whats)) for _ in range(groups)]),
        stack=array("q", [chance.randrange(-3, count) for _ in range(groups)]),
        first_t=array("q", range(groups)),
    )


def made_places(chance, changes):
    """Of modules that lie over each other, and go in the middle where `changes`."""
    modules = []
    for id_, (base, image) in enumerate(((PAGE, 5), (2 * PAGE, 5), (PAGE, 2), (PAGE, 5)), 1):
        if changes or id_ < 4:
            gone = chance.randrange(20) if changes and id_ != 2 else None
            module = Module(id_, "/m%d" % id_, base, base, base + 30, image=image)
            module.loaded_ns, module.unloaded_ns = chance.randrange(9), gone
            modules.append(module)
    return Places(modules, lambda module, offset: offset % 7 == 0)


def planned(seed, changes):
    """(the places that are wanted, the tree) of random stacks."""
    chance = random.Random(seed)
    count = chance.choice((1, 2, 3, 60, 400))
    nodes = made_nodes(chance, count)
    groups = made_groups(chance, count, chance.randrange(1, 90))
    nodes.use(groups.stack)
    plan = symbol_stacks._OfNodes(nodes, groups, made_places(chance, changes))
    wanted, frames = plan.wanted(), {}

    def frames_at(place):
        """Of some places none or several."""
        if id(place) not in frames:
            made = [Frame(place.pc, function=str(place)) for _ in range(place.pc % 4)]
            frames[id(place)] = made if place.pc % 9 else made * 2
        return frames[id(place)]

    tree = plan.tree(frames_at)
    told = [frame.function for frame in tree.frames]
    return wanted, told, tree.parents, tree.frame_of, tree.node_of, tree.is_of_nodes


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("depth", [3, grower.MAX_DEPTH])
def test_the_tree_of_frames(both, monkeypatch, changes, depth):  # noqa: F811
    monkeypatch.setattr(grower, "MAX_DEPTH", depth)
    ran = []
    run = kernels.run
    monkeypatch.setattr(kernels, "run", lambda *given: ran.append(run(*given)) or ran[-1])
    for seed in range(60):
        del ran[:]
        with_it, without = both(lambda: planned(seed, changes))  # noqa: B023
        assert with_it == without
        done = [answer for answer in ran if answer is not None]
        assert done and min(done) >= 0


def test_twin_a_stack_that_is_not_there(library):  # noqa: F811
    kernels.use(library)
    for stacks, parents, what in (([2], [0, 0], 0), ([1], [0, 1], 0), ([1], [0, 0], 1)):
        rooms = bytearray(2), array("i", [0, 0]), array("I", [0, 0]), array("i", [0, 0])
        nodes = array("i", parents), array("Q", [0, 0]), *rooms, 2
        groups = array("q", stacks), array("I", [what]), 1, array("I", [0]), 1
        assert kernels.run("walked", *nodes, *groups) < 0
    kernels.run("walked", array("i", [0, 0]), *nodes[1:], groups[0], array("I", [0]), *groups[2:])


def test_twin_a_place_that_is_not_there(library):  # noqa: F811
    kernels.use(library)
    for at, number in ((0, 0), (0, 1), (1, 0)):
        marks, places = bytearray([0, 1]), array("I", [0, at])
        numbers, kinds = array("I", [number]), array("I", bytes(32))
        told = numbers, 1, bytearray(1), 1, kinds
        found = kernels.run("placed", array("i", [0, 0]), marks, places, 2, *told)
        assert found == (2 if (at, number) == (0, 0) else -1)


def made_tree(chance, count, frames=9):
    """Some stacks are cut, some long."""
    parents = made_nodes(chance, count).parents
    if chance.random() < 0.5:
        parents = array("i", [min(max(0, node - 1), parent) for node, parent in enumerate(parents)])
        parents[1:] = array("i", [max(node - 1, at) for node, at in enumerate(parents[1:], 1)])
    roles = chance.choice((("loader",), ("loader", "user"))), (None, "", "f", "g", "_dl_start")
    made = [Frame(at, function=chance.choice(roles[1])) for at in range(frames)]
    for frame in made:
        frame.role = chance.choice(roles[0])
    of = array("I", [0] + [chance.randrange(frames) for _ in range(count - 1)])
    return StackTree(made, parents, of)


def agree(both, ask):  # noqa: F811
    """Both say the same of random trees, and the passes did say something."""
    ran, run = [], kernels.run
    kernels.run = lambda *given: ran.append(run(*given)) or ran[-1]
    try:
        for seed in range(40):
            del ran[:]
            with_it, without = both(lambda: ask(random.Random(seed)))  # noqa: B023
            assert with_it == without
            done = [answer for answer in ran if answer is not None]
            assert done and min(done) >= 0
    finally:
        kernels.run = run


def asked_of_rows(chance, tree):
    """(where stacks begin, of which kind each is) as a table of groups has them."""
    rows = chance.randrange(1, 99)
    nodes = array("i", [chance.randrange(-3, len(tree.parents)) for _ in range(rows)])
    return nodes, array("I", [chance.randrange(12) for _ in range(rows)])


def test_the_first_frame_with_a_name(both):  # noqa: F811
    def ask(chance):
        tree = made_tree(chance, chance.choice((2, 50, 400)))
        return tree._named, tree.alike

    agree(both, ask)


def test_what_the_frames_of_stacks_say(both):  # noqa: F811
    def ask(chance):
        tree = made_tree(chance, chance.choice((2, 50, 400)))
        nodes, of = asked_of_rows(chance, tree)
        keys = [chance.choice("abc") for _ in range(1 + max(of))]
        each = tree.said([keys[at] for at in of], nodes, lambda frame: frame.function)
        of = array(chance.choice("BHIq"), of)  # columns of a trace are as narrow as can be
        assert tree.said(keys, nodes, lambda frame: frame.function, of) == each
        return each

    agree(both, ask)


def test_without_frames_nothing_is_said(library):  # noqa: F811
    kernels.use(library)
    for tree in (StackTree(), StackTree([], array("i", [0]), array("I", [0]))):
        for keys, nodes, kinds in (("", [], None), ("a", [0], None), ("ab", [0, 0], [1, 1])):
            said = tree.said(keys, array("i", nodes), len, kinds)
            assert said == {key: set() for key in (keys if kinds is None else "b")}
        assert list(Unions(tree, list).all()) == [0] and list(tree.alike) == [0]
        assert list(Beginnings(tree)._wholes) == [0] and list(tree._named) == [0]


@pytest.mark.parametrize("width", [1, 63, 64, 65, 200])
def test_bits_of_all_frames_of_a_stack(both, width):  # noqa: F811
    def ask(chance):
        tree = made_tree(chance, chance.choice((2, 50, 400)))
        bits = [chance.choice((0, 1 << chance.randrange(width))) for _ in tree.frames]
        return Unions(tree, lambda frames: [bits[frame.pc] for frame in frames]).all()

    agree(both, ask)


def test_whole_stacks_have_the_numbers_that_were_kept(both):  # noqa: F811
    def ask(chance):
        tree = made_tree(chance, chance.choice((2, 50, 400)))
        numbers = array("I", [chance.choice((0, 1, 2**32 - 1)) for _ in tree.parents])
        return Beginnings(tree, numbers)._wholes

    agree(both, ask)


def test_which_nodes_there_are(both):  # noqa: F811
    def ask(chance):
        made = made_nodes(chance, chance.choice((2, 50, 400)))
        made.use(array("q", [chance.randrange(-3, len(made.parents)) for _ in range(99)]))
        first, last = made.last + 1, made.last + 3
        wrong = [([first], [first]), ([last], [0]), ([first, first], [0, 0])]
        for ids, parents in wrong:
            of = array("i", ids), array("i", parents), array("Q", ids)
            assert not made.add(*of) and made.last == first - 1
        return made.used, made.cuts(), list(made.cuts())

    agree(both, ask)


def answered_by(**changes):
    """What `answered` is given: of one row, whose node is of frame 7, as whole stacks are."""
    given = dict(parents=[0, 0, 1], starts=[0, 1], keys=[7], values=[-1], begins=[0, 1])
    given.update(answers=[0], nodes=[2], of=[0], asked=[0])
    if "begins" in changes or "answers" in changes:
        given["keys"] = [8]
    given.update(changes)
    codes = {"of": "I", "asked": "I"}
    ints = {name: array(codes.get(name, "i"), value) for name, value in given.items()}
    lines = ints["parents"], array("I", [0, 7, 7]), 3
    edges = ints["starts"], len(given["starts"]) - 1, ints["keys"], ints["values"], 1
    whole = ints["begins"], array("q", [5]), ints["answers"], 1, array("q", [5, 5, 5])
    asked = array("i", [0]), 1, ints["asked"], 1
    rows = ints["of"], ints["nodes"], array("I", [0]), 1
    return (*lines, *edges, *whole, *asked, *rows, array("i", [0]), array("I", [0]))


def test_twin_arrays_that_contradict_each_other(library):  # noqa: F811
    kernels.use(library)
    none, one, two = array("i"), array("I", [0, 1]), array("I", [0, 2])
    right, wrong, room = array("i", [0, 0]), array("i", [0, 1]), array("i", [0, 0])
    far, rows = array("i", [2]), bytearray(64)
    for name, *given in (
        ("named", wrong, one, 2, bytearray(2), 2, room),
        ("named", right, two, 2, bytearray(2), 2, room),
        ("ends", wrong, 2, room),
        ("picked", one, 2, two, 2, array("I", [0, 0])),
        ("used", array("q", [2]), 1, 2, room),
        ("unions", wrong, one, 2, one, 2, rows, 2, 1, two, rows, 8),
        ("unions", right, two, 2, one, 2, rows, 2, 1, two, rows, 8),
        ("unions", right, one, 2, two, 2, rows, 2, 1, two, rows, 8),
        ("said", right, one, 2, two, 2, one, 2, one, right, 2, 2, 2, rows),
        ("said", right, one, 2, one, 2, two, 2, one, right, 2, 2, 2, rows),
        ("said", right, one, 2, one, 2, one, 2, two, right, 2, 2, 2, rows),
        ("said", right, one, 2, one, 2, one, 2, one, far, 1, 2, 2, rows),
        ("wholes", wrong, one, 2, array("q", [0, 0])),
        ("answered", *answered_by(nodes=[3])),
        ("answered", *answered_by(of=[1])),
        ("answered", *answered_by(asked=[1])),
        ("answered", *answered_by(starts=[0, 9])),
        ("answered", *answered_by(starts=[1, 0])),
        ("answered", *answered_by(values=[0])),
        ("answered", *answered_by(values=[1])),
        ("answered", *answered_by(parents=[0, 1, 5], values=[1], starts=[0, 1, 1])),
        ("answered", *answered_by(begins=[0, 9])),
        ("answered", *answered_by(answers=[-1])),
    ):
        assert kernels.run(name, *given) < 0, (name, given)
    assert kernels.run("answered", *answered_by()) == 1
    assert kernels.run("ends", right, 2, room) == kernels.run("ends", none, 0, none) == 0


def test_what_was_answered_before(library, monkeypatch):  # noqa: F811
    """Of each stack as `answer` says it, by its beginning or by the whole of it."""
    kernels.use(library)
    monkeypatch.setattr(beginnings, "LONGEST", 3)
    monkeypatch.setattr(beginnings, "LONGER", 6)
    hits = Counter()
    for seed in range(30):
        chance = random.Random(seed)
        tree = made_tree(chance, chance.choice((2, 60, 400)), chance.choice((1, 9)))
        nodes, of = asked_of_rows(chance, tree)
        questions, first = ["q%d" % (kind % 5) for kind in range(1 + max(of))], Beginnings(tree)
        for node, kind in zip(nodes[::2], of[::2]):
            first.answer(questions[kind], node, looked_far)
        told = first.packed(), first.answers, first.tables
        assert packed_beginnings.unpacked(told[0]) == first.roots
        whole = [{key: dict(row) for key, row in first.whole.items()} for _ in range(3)]
        later, asked, again = (Beginnings(tree, None, None, *told, mine) for mine in whole)
        within = array("I", [chance.randrange(5) // 4 for _ in nodes])
        found, todo = later.known(questions, of, nodes, within)
        met = set()
        for row, (node, kind, inside, at) in enumerate(zip(nodes, of, within, found)):
            expected = MISS if inside else known_answer(asked, questions[kind], node)
            assert (MISS if at < 0 else first.answers[at]) == expected
            assert (row in todo) == (at < 0 or at not in met)
            met.add(at)
            hits[expected is MISS, any(later.whole.values())] += 1
        assert list(todo) == sorted(todo)
        new = [row for row in todo if found[row] < 0 and not within[row]]
        for row in new:  # what is learnt now is learnt as by who asks for each by itself
            for one in (later, again):
                one.answer(questions[of[row]], nodes[row], looked_far)
        all_ = packed_beginnings.unpacked(later.packed())
        assert resolved(all_, later.answers) == resolved(again.roots, again.answers)
        assert (later.whole, later.tables) == (again.whole, again.tables)
        assert new or later.packed() == told[0]
    assert min(hits.values()) > 99 and len(hits) == 4


MISS = object()


def looked_far(stack):
    """Looks as far as the frames say."""
    seen = []
    for frame in stack:
        seen.append(frame.pc)
        if frame.pc % 3 == 0 or len(seen) > 9:
            break
    return tuple(seen)


def resolved(roots, answers):
    """Dicts of dicts of answers."""
    if isinstance(roots, tuple):
        return answers[roots[0]]
    return {key: resolved(value, answers) for key, value in roots.items()}


def known_answer(asked, question, node):
    """Nothing is learnt meanwhile."""
    try:
        return asked.answer(question, node, lambda stack: 1 // 0)
    except ZeroDivisionError:
        return MISS


def test_twin_unions_beyond_their_room(library):  # noqa: F811
    kernels.use(library)
    own, found = array("Q", [1, 2]), array("I", [0, 0])
    tree = array("i", [0, 0]), array("I", [0, 1]), 2, array("I", [0, 1]), 2
    for room, many in ((2, 2), (1, -1)):
        assert kernels.run("unions", *tree, own, 2, 1, found, array("Q", [9, 9]), room) == many
