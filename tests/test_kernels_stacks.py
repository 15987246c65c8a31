"""Passes in C over the nodes of stacks: each says what Python's own loop says."""

import random
from array import array
from types import SimpleNamespace

import pytest
from test_kernels import both, library  # noqa: F401

from alloctrace import kernels
from alloctrace.columns.group_table import What
from alloctrace.model import Frame, Module
from alloctrace.stacks import tree as stack_tree
from alloctrace.stacks.nodes import NodeStacks
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
    count = chance.choice((2, 3, 60, 400))
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
@pytest.mark.parametrize("depth", [3, stack_tree.MAX_DEPTH])
def test_the_tree_of_frames(both, monkeypatch, changes, depth):  # noqa: F811
    monkeypatch.setattr(stack_tree, "MAX_DEPTH", depth)
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
