"""Passes over groups say what Python's own loops say: which groups are asked the same."""

import random
from array import array
from types import SimpleNamespace

import pytest

from alloctrace import kernels
from alloctrace.columns.group_table import SUMS, GroupTable, What
from alloctrace.model import Purpose, Verdict
from alloctrace.purpose import groups as purpose_groups, questions as purpose_questions
from alloctrace.purpose.questions import Question, Questions
from alloctrace.spool.rows import layout
from alloctrace.stacks.tree import StackTree
from test_kernels import both, library, made_parents  # noqa: F401

MANY = 0xFFFFFFFF
HUGE = (1 << 64) - 1
WHATS = [
    What("call", "malloc", None, 1, "main", 0),
    What("call", "malloc", None, 2, "main", 1),
    What("call", "free", None, 1, "main", 0),
    What("call", "free", None, 1, "load", 0),
    What("syscall", "mmap", None, 1, "main", 0),
]


@pytest.fixture(autouse=True)
def of_few(monkeypatch):
    monkeypatch.setattr(kernels, "FEWEST", 0)


def table(chance, count):
    """A GroupTable of nothing in particular, with verdicts and members."""
    made = GroupTable()
    made.verdicts = [None, *(Verdict("user", decided_by=at) for at in (None, 0, 1, 5, 99))]
    whats = [made.what_id(chance.choice(WHATS)) for _ in range(count)]
    withins = [chance.randrange(at + 1) if chance.random() < 0.3 else 0 for at in range(count)]
    stacks = [chance.randrange(-3, count) for _ in range(count)]
    made.extend(whats, stacks, withins, *[[at for at in range(count)] for _ in range(3)])
    made.verdict = array("I", [chance.randrange(6) for _ in range(count)])
    counts = [chance.choice([1, 2, 9]) for _ in range(count)]
    made.set_sums(0, [counts for _ in SUMS])
    made.members_rows = bytearray(
        b"".join(members(chance, at, count) for at in range(1, count - 3))
    )
    return made


def members(chance, id_, count):
    makers = [chance.choice([0, 0, chance.randrange(count + 2), MANY, id_]) for _ in range(4)]
    makers[chance.randrange(4)] = 0
    numbers = [chance.choice([0, 1, 2, 9, HUGE]) for _ in range(7)]
    return layout("members").pack(chance.choice([0, id_, id_, id_]), *makers, *numbers)


def asked_of(chance, groups, parents):
    """The _Questions of a table, over a tree that is not one of frames."""
    found = purpose_questions._Questions.__new__(purpose_questions._Questions)
    count = len(parents)
    steps = [0, 1, 1 << 90]
    numbered = array("I", [0] + [chance.randrange(3) for _ in range(count - 1)]), steps
    alike = array("I", [chance.randrange(9) for _ in range(count)])
    tree = SimpleNamespace(parents=parents, alike=alike, outer=StackTree(parents=parents).outer)
    found._groups, found._facts = groups, [chance.choice(["a", "b"]) for _ in groups.whats]
    found._survey = SimpleNamespace(tree=tree, steps=SimpleNamespace(numbered=numbered))
    found._nodes = array("i", groups.stack)
    return found


def test_kinds_and_who_asks(both):  # noqa: F811
    kinds_seen = askers_seen = 0
    for seed in range(20):
        chance = random.Random(seed)
        groups = table(chance, 200)
        questions = asked_of(chance, groups, made_parents(chance, 200))
        with_it, without = both(questions._kinds)
        assert with_it == without and 0 in with_it[0]
        kinds, firsts = without
        is_asker = bytearray(chance.random() < 0.5 for _ in range(len(firsts) + 1))
        is_asker[0] = 0
        found = both(lambda: questions._askers(kinds, is_asker))  # noqa: B023
        assert found[0] == found[1]
        kinds_seen, askers_seen = kinds_seen + len(firsts), askers_seen + len(found[0][1])
    assert kinds_seen > 400 and askers_seen > 400


def made_questions(chance, groups):
    """Some have an answer, others rest on what the blocks were for."""
    found = Questions(groups)
    told = [Question(answer=(Purpose("p%d" % at), "thing %d" % (at % 3))) for at in range(4)]
    told += [Question(answer=(Purpose("none"), None))]
    open_ = [Question(differ={purpose_groups.THING}, is_free=True) for _ in range(2)]
    open_ += [Question(differ={"size"}, is_free=True)]
    for at, what in enumerate(groups.what):
        is_free = groups.whats[what].name == "free"
        question = chance.choice(open_ if is_free else told)
        found.numbers.extend([] if at else [0])
        found.numbers.append(found.number(question, at))
    return found


def test_what_makers_decide(both):  # noqa: F811
    seen = 0
    for seed in range(20):
        chance = random.Random(seed)
        groups = table(chance, 300)
        questions = made_questions(chance, groups)
        things = purpose_groups.Things(questions)
        asked = bytearray(purpose_groups.THING in question.differ for question in questions.known)
        given = groups, questions.numbers, asked, things
        with_it, without = both(lambda: purpose_groups._by_makers(*given))  # noqa: B023
        assert with_it == without
        seen += len(without[1])
    assert seen > 100


@pytest.mark.parametrize(
    "name, given",
    [
        (
            "asking_alike",
            lambda one, no: (one, no, no, no, 1, no, no, no, bytearray(1), 1, 1),
        ),  # a what
        (
            "asking_alike",
            lambda one, no: (no, no, one, no, 1, no, no, no, bytearray(1), 1, 1),
        ),  # within
        (
            "askers",
            lambda one, no: (no, no, one, 1, bytearray(b"\1"), 1, one, 1, no, no, 1),
        ),  # a node
        (
            "makers",
            lambda one, no: (one, 1, bytearray(1), 1, bytearray(80), 80, bytes(16), no),
        ),  # a question
    ],
)
def test_twin_a_number_of_nothing(library, name, given):  # noqa: F811
    kernels.use(library)
    one, none = array("I", [1, 1]), array("I", [0, 0])
    assert kernels.run(name, *given(one, none), array("I", [0]), array("I", [0])) < 0
    assert kernels.run(name, *given(none, none), array("I", [0]), array("I", [0])) >= 0


def test_twin_other_things_of_the_makers_are_another_number(both):  # noqa: F811
    groups = GroupTable()
    groups.extend(
        [groups.what_id(WHATS[at]) for at in (0, 0, 2, 2)], *[[0] * 4] * 2, *[[0] * 4] * 3
    )
    groups.set_sums(0, [[1] * 4 for _ in SUMS])
    rows = [layout("members").pack(id_, id_ - 2, *[0] * 3, *[1] * 5, 0, 0) for id_ in (3, 4)]
    groups.members_rows = bytearray(layout("members").size * 2) + b"".join(rows)
    for second, expected in (("a thing", [0, 0, 0, 1, 1]), ("another", [0, 0, 0, 1, 2])):
        questions = Questions(groups)
        makers = [Question(answer=(Purpose("p"), thing)) for thing in ("a thing", second)]
        frees = [Question(differ={purpose_groups.THING}, is_free=True)] * 2
        numbers = [questions.number(q, at) for at, q in enumerate(makers + frees)]
        questions.numbers = array("I", [0, *numbers])
        asked = bytearray(not question.is_closed for question in questions.known)
        given = groups, questions.numbers, asked, purpose_groups.Things(questions)
        for numbers, firsts in both(lambda: purpose_groups._by_makers(*given)):  # noqa: B023
            assert list(numbers) == expected and list(firsts) == [3, 4][: max(expected)]
