"""Verdicts that are kept between runs: as they are made anew, and of no more than they rest on."""

import os

import pytest

from alloctrace import cache_folder, kept, kernels, words
from alloctrace.model import Frame
from alloctrace.origin import origin, verdicts
from alloctrace.origin.facts import Facts
from alloctrace.origin.verdicts import Verdicts
from alloctrace.stacks.tree import StackTree

from test_purpose_events import NAMES, Recording

LIBC = dict(module="libc.so.6", path="/lib/libc.so.6", role="system")
PROGRAM = dict(module="a.out", path="/a.out", role="executable")


@pytest.fixture
def folder(tmp_path):
    where = str(tmp_path / "cache")
    kept.use(where)
    yield where
    kept.use(None)


def asked(tree, about, monkeypatch=None):
    """({stack: its verdict}, how often origin.decide was asked) of one run."""
    calls, decide = [], origin.decide
    judge = Verdicts(tree, "/a.out")
    if monkeypatch:
        monkeypatch.setattr(origin, "decide", lambda *a, **m: calls.append(1) or decide(*a, **m))
    ask = judge.asker(about)
    found = {id_: ask(tree.node(id_)) for id_ in tree}
    judge.keep()
    if monkeypatch:
        monkeypatch.setattr(origin, "decide", decide)
    return found, len(calls)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_of_each_stack(name, folder, monkeypatch):
    """As origin.decide says of it by itself; by the first run, and by one that need not ask."""
    tree = StackTree.of(Recording(name).stacks)
    for about in (Facts(), Facts(phase="load", name="brk"), Facts(libc="static")):
        alone = {id_: origin.decide(tree[id_], about) for id_ in tree}
        assert asked(tree, about, monkeypatch)[0] == alone
        again, count = asked(tree, about, monkeypatch)
        assert again == alone and count == 0


def stack(**changes):
    frames = [
        Frame(1, function="malloc", **LIBC),
        Frame(2, offset=16, function="helper", line=3, file="a.c", **PROGRAM),
        Frame(3, function="main", known="main", **PROGRAM),
    ]
    vars(frames[1]).update(changes)
    return StackTree.of({1: tuple(frames)})


@pytest.mark.parametrize("changes", [dict(offset=32, line=7, pc=9, start=4), dict(path="/b")])
def test_where_code_lies_is_not_asked(folder, monkeypatch, changes):
    first, count = asked(stack(), Facts(), monkeypatch)
    assert count == 1
    assert asked(stack(**changes), Facts(), monkeypatch) == (first, 0)


@pytest.mark.parametrize(
    "changes",
    [
        dict(function="__libc_start_main"),
        dict(module="b.out"),
        dict(role="system"),
        dict(known="main"),
        dict(inlined=True),
        dict(file=None),
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_else_is_said_of_a_frame_is_another_question(folder, monkeypatch, changes):
    asked(stack(), Facts(), monkeypatch)
    tree = stack(**changes)
    found, count = asked(tree, Facts(), monkeypatch)
    assert count == 1 and found[1] == origin.decide(tree[1], Facts())


@pytest.mark.parametrize(
    "about", [Facts(phase="exit"), Facts(libc="static"), Facts(holds=frozenset(["Rust"]))]
)
def test_so_are_other_facts_of_the_program(folder, monkeypatch, about):
    asked(stack(), Facts(), monkeypatch)
    assert asked(stack(), about, monkeypatch)[1] == 1


class Told:
    """A frame that has no more than verdicts may rest on."""

    def __init__(self, frame):
        names = "function module role known inlined".split()
        self.__dict__.update((name, getattr(frame, name)) for name in names)
        self.file = "" if frame.file is not None else None


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_rests_on_no_more_of_a_frame(name):
    recording = Recording(name)
    for frames in recording.stacks.values():
        for point in ("malloc", "brk"):
            for phase in words.PHASES:
                about = Facts(phase=phase, name=point)
                assert origin.decide(tuple(map(Told, frames)), about) == origin.decide(
                    frames, about
                )


def test_what_is_spoilt_is_made_anew(folder, monkeypatch):
    first, _ = asked(stack(), Facts())
    (name,) = (n for n in os.listdir(folder) if n.startswith(cache_folder.TABLES))
    with open(os.path.join(folder, name), "r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\x99\x99")
    assert asked(stack(), Facts(), monkeypatch) == (first, 1)
    assert asked(stack(), Facts(), monkeypatch) == (first, 0)


def test_older_rules_are_not_believed(folder, monkeypatch, tmp_path):
    asked(stack(), Facts())
    table = tmp_path / "origin.ini"
    table.write_text("")
    monkeypatch.setattr(verdicts.table, "PATH", str(table))
    assert asked(stack(), Facts(), monkeypatch)[1] == 1


def test_nor_is_what_another_build_of_the_passes_found(folder, monkeypatch, tmp_path):
    library = tmp_path / "passes.so"
    library.write_bytes(b"one")
    monkeypatch.setattr(kernels, "_PLACES", (str(library),))
    monkeypatch.setattr(kernels, "_is_sought", True)
    asked(stack(), Facts())
    assert asked(stack(), Facts(), monkeypatch)[1] == 0
    library.write_bytes(b"another")
    assert asked(stack(), Facts(), monkeypatch)[1] == 1


def test_of_too_many_none_are_kept(folder, monkeypatch):
    monkeypatch.setattr(verdicts, "MOST_KEPT", 1)
    asked(stack(), Facts())
    assert not os.path.exists(folder) or not os.listdir(folder)


def test_a_few_new_ones_of_many_are_not_kept(folder, monkeypatch):
    """The twin: where they are not that few, or there are not many."""
    monkeypatch.setattr(verdicts, "MANY", 3)
    for little, name, asks in ((1, "f", 1), (1, "g", 1), (1, "h", 1), (3, "h", 1), (3, "h", 0)):
        monkeypatch.setattr(verdicts, "LITTLE", little)
        assert asked(stack(function=name), Facts(), monkeypatch)[1] == asks
