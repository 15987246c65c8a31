"""Every target under every witness: all differences are explained, a changed trace is noticed."""

import copy
import shutil

import pytest

import target_programs
import target_recordings
from fake_tools import tool  # fake_tools.py knows where brkpoint_trace is
from reports import witnesses as page
from target_programs import LIMIT_S

from brkpoint_trace import crosscheck, gdb_run  # isort: skip

PROGRAMS = {program.name: program.command for program in target_programs.programs()}
# What ltrace cannot follow: it refuses static programs, and takes a SIGTRAP for its own.
NOT_BY_LTRACE = ("sigtrap", "exec_race")
HANGS_LTRACE = ("exec_race",)  # in one of three runs it waits forever for a thread that is gone
# Which of its threads takes memory first is chance, seldom another than in each run under strace.
CHANCE, RUNS_OF_CHANCE = ("exec_race",), 3

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("strace", "ltrace", "gdb"))), reason="a witness is missing"
    ),
    pytest.mark.usefixtures("built"),
]


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_difference_is_explained(name, monkeypatch):
    command = target_recordings.words(name)
    monkeypatch.setattr(gdb_run, "witness", target_recordings.witness(name))
    left_out = ("ltrace",) if name in HANGS_LTRACE else ()
    found, record = judged(command, left_out)
    for _ in range(RUNS_OF_CHANCE if name in CHANCE else 0):
        if unexplained(record):
            monkeypatch.undo()  # a run of its own: the one that is shared may be a rare one
            found, record = judged(command, left_out)
    assert unexplained(record) == []
    assert page.is_sound(record) and {"gdb", "strace", "maps"} <= set(record["compared"])
    assert record["maps"]["compared"] or not tool.can_fix_addresses()
    if record["runs"]["ltrace"]["state"] != "ok":
        assert is_static(name) or name in NOT_BY_LTRACE
    if not found["data"]["strace"]["cut_off"]:
        assert_same_syscalls(record)
    for change in CHANGES:
        assert spoiled(found, change) != 0, "a trace with one event %s passes" % change


def judged(command, left_out):
    """(what the witnesses saw of a run each, how it compares)"""
    found = crosscheck.watch(command, LIMIT_S, command[0], left_out=left_out)
    return found, crosscheck.judge(found, rerun=crosscheck.rerunner(command, LIMIT_S, found))


def unexplained(record):
    return [row for row in record["differences"] if not row["explained"]]


def is_static(name):
    program = next(p for p in target_programs.programs() if p.name == name)
    return "static" in target_programs.features(program)


def assert_same_syscalls(record):
    """By name and number, of all threads together: no rule excuses a difference here."""
    counts = [
        {name: number for kind, name, number in record["counts"][witness] if kind == "syscall"}
        for witness in ("gdb", "strace")
    ]
    assert counts[0] == counts[1]


# ---- the twins: brkpoint's list of events, with one changed --------------------------------------

CHANGES = {
    "removed": lambda events, i: events.pop(i),
    "doubled": lambda events, i: events.insert(i, copy.copy(events[i])),
    "of another size": lambda events, i: setattr(events[i], "size", (events[i].size or 0) + 1),
}


def spoiled(found, change):
    """How many differences are not explained once one memory syscall is changed; None: it has none.

    Of calls, which ltrace may lose with threads, tests/test_cross_check.py has the twins.
    """
    data = {name: dict(seen) for name, seen in found["data"].items()}
    events = copy.copy(data["gdb"]["events"])
    places = [i for i, e in enumerate(events) if e.kind == "syscall" and not e.task]
    if not places:
        return None
    place = places[len(places) // 2]
    events[place] = copy.copy(events[place])
    CHANGES[change](events, place)
    data["gdb"]["events"] = events
    return crosscheck.judge(dict(found, data=data))["unexplained"]
