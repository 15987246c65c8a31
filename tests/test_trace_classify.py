"""One place asks for origin and purpose: once a question; what lies inside a call inherits."""

import pytest

from alloctrace.history import history
from alloctrace.model import Frame, Purpose, Verdict
from alloctrace.origin import origin, program_facts
from alloctrace.purpose import classify, purpose
from made_records import LIBC, MAIN, TOP, Made


@pytest.fixture
def asked(monkeypatch):
    questions = []

    def decide(stack, facts, seen):
        questions.append((stack, facts.phase, facts.name))
        return Verdict("user", rule="%d" % len(questions))

    monkeypatch.setattr(origin, "decide", decide)
    monkeypatch.setattr(purpose, "explain", lambda i, events, stacks, facts: Purpose(str(i)))
    return questions


def classified(made):
    built = history.build(made.records)
    classify.classify(built, {})
    return built.events


def test_a_question_is_asked_once(asked):
    made = Made()
    for _ in range(5):
        made.call("malloc", 3, result=0x1000)
        made.call("free", 0x1000)
    events = classified(made)
    assert len(asked) == 2
    assert [e.verdict.rule for e in events] == ["1", "2"] * 5


def test_another_phase_is_another_question(asked):
    made = Made()
    made.call("malloc", 3, result=0x1000)
    made.info("phase", phase="main", t_ns=made.tick(), how="symbol")
    made.call("malloc", 3, result=0x2000)
    classified(made)
    assert [phase for _, phase, _ in asked] == ["load", "main"]


def test_what_lies_inside_a_call_has_its_origin(asked):
    made = Made()
    made.enter("calloc", 1, 24)
    nested = made.stack((LIBC, TOP - 160), (LIBC + 2, TOP - 64), (MAIN + 1, TOP))
    made.enter("malloc", 24, sp=TOP - 160, stack=nested)
    made.syscall("brk", 0, sp=TOP - 160, stack=nested)
    made.leave("malloc", 0x1000, sp=TOP - 160)
    made.leave("calloc", 0x1000)
    outer, inner, syscall = classified(made)
    assert inner.verdict is outer.verdict and syscall.verdict is outer.verdict
    assert len(asked) == 1


def test_a_syscall_of_its_own_is_judged(asked):
    made = Made()
    made.call("malloc", 24, result=0x1000)
    made.syscall("brk", 0)
    call, syscall = classified(made)
    assert syscall.verdict is not call.verdict and len(asked) == 2


def test_each_event_has_a_purpose_of_its_own(asked):
    made = Made()
    made.call("malloc", 24, result=0x1000)
    made.call("malloc", 24, result=0x2000)
    assert [e.purpose.text for e in classified(made)] == ["0", "1"]


def program(made, role="executable", path="/no/such/file"):
    made.info("module", id=1, path=path, base=0, start=0, end=9, role=role)
    return program_facts.of_images(history.build(made.records), {})[0]


def test_a_program_beside_libc_shares_it():
    made = Made()
    made.info("module", id=2, path="/lib/libc.so.6", base=0, start=0, end=9, role="library")
    assert program(made)["libc"] == "shared"


def test_a_program_alone_with_a_main_holds_libc():
    made = Made()
    made.records = made.records[:1]  # no hooks
    made.info("main", address=7, how="symbol")
    assert program(made)["libc"] == "static"


def test_a_program_alone_without_main_and_hooks_has_no_libc():
    made = Made()
    made.records = made.records[:1]
    assert program(made) == {"libc": "none", "holds": frozenset(), "executable_mixed": False}


def test_what_one_program_holds_says_nothing_of_another():
    """A shell that starts a Python is no Python: its main is its own."""
    made = Made()
    made.call("malloc", 8, result=0x1000, line=1)
    made.info("image", index=1, path="/bin/python3", entry=1, t_ns=made.tick())
    made.call("malloc", 8, result=0x1000, line=2)
    built = history.build(made.records)
    shell, python = (event.stack for event in built.events)
    frames = {python: (Frame(1, role="executable", function="Py_BytesMain"),), shell: ()}
    facts = program_facts.of_images(built, frames)
    assert facts[0]["holds"] == frozenset() and facts[1]["holds"] == {"CPython"}
