"""Passes in C over large arrays: each says what Python's own loop says."""

import os
import random
import re
from array import array

import pytest

from alloctrace import kernels
from alloctrace.stacks.tree import StackTree

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(scope="module")
def library():
    found = kernels.find()
    if found is None:
        pytest.skip("the recorder is not built: make recorder")
    return found


@pytest.fixture
def both(library):
    """`both(ask)`: (what it gives with the library, what it gives without)."""

    def asked(ask):
        answers = []
        for one in (library, None):
            kernels.use(one)
            answers.append(ask())
        return answers

    yield asked
    kernels.use(library)


def made_parents(chance, count):
    """Of nodes: a caller is older, 0 and less ends a stack."""
    parents = array("i", [0])
    for node in range(1, count):
        ends = chance.randrange(50) == 0
        parents.append(-chance.randrange(4) if ends else chance.randrange(max(0, node - 4), node))
    return parents


def test_leaps(both):
    for seed in range(20):
        parents = made_parents(random.Random(seed), 400)
        with_it, without = both(lambda: StackTree(parents=parents)._leaps)  # noqa: B023
        assert with_it == without and any(with_it)


def test_twin_a_node_that_is_not_there(both, library):
    """Python's own loop says how they contradict each other."""
    kernels.use(library)
    parents, found = array("i", [0, 9]), array("i", [0, 0])
    assert kernels.run("leaps", parents, found, 2, 16) < 0


def test_a_library_of_another_build_is_not_used(library, monkeypatch):
    monkeypatch.setattr(kernels, "version", lambda: library.kernels_version() ^ 1)
    assert kernels.find() is None


def test_without_a_library_python_does_it(both, monkeypatch):
    monkeypatch.setattr(kernels, "_PLACES", ("build/there-is-none.so",))
    assert kernels.find() is None
    kernels.use(None)
    assert kernels.run("leaps", array("i"), array("i"), 0, 16) is None


_BYTES = {"uint8_t": 1, "uint32_t": 4, "int32_t": 4, "int64_t": 8, "uint64_t": 8}


def told_by_the_header():
    """{pass: its parameters as PASSES has them}"""
    with open(os.path.join(TOP, "recorder", "kernels", "kernels.h"), encoding="utf-8") as file:
        header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return {
        name: " ".join(map(_parameter, parameters.split(",")))
        for name, parameters in re.findall(r"PASS int64_t (\w+)\(([^)]*)\);", header)
    }


def _parameter(text):
    kind, star, name = re.fullmatch(r"\s*(?:const )?(\w+) (\*?)(\w+)", text).groups()
    return "%s:%d" % (name, _BYTES[kind]) if star and kind in _BYTES else name


def test_each_pass_is_told_in_the_header(library):
    assert told_by_the_header() == kernels.PASSES
    assert all(getattr(library, name) for name in kernels.PASSES)


def test_twin_an_array_of_other_items_is_not_handed_over(library):
    kernels.use(library)
    narrow, found = array("B", bytes(9)), array("i", bytes(36))
    assert kernels.run("leaps", narrow, found, 9, 16) is None
    assert kernels.run("leaps", array("i", narrow), found, 9, 16) == 0
