"""strace's text: real logs that were stored (tests/record_logs.py), fresh ones, and torn ones."""

import os
import shutil
import sys
from collections import Counter

import pytest

import target_programs
from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import log_text, strace_events, strace_log, strace_run  # noqa: E402

LOGS = os.path.join(ROOT, "tests", "data", "logs")


def lines(name):
    with open(os.path.join(LOGS, name), encoding="utf-8", errors="surrogateescape") as file:
        return file.read().splitlines()


def parsed(name):
    return strace_log.parse(lines(name))


def counted(name):
    return dict(+strace_events.count(parsed(name))["process"])


# ---- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("NULL, 8192, -1", ["NULL", "8192", "-1"]),
        ('"a, b)", {x=1, y=[2, 3]}, 5', ['"a, b)"', "{x=1, y=[2, 3]}", "5"]),
        (r'"\"", 1', [r'"\""', "1"]),
        ("", []),
        ("{a => b}, 88", ["{a => b}", "88"]),
        ('"cut off', ['"cut off']),
    ],
)
def test_arguments(text, wanted):
    assert log_text.split(text) == wanted


@pytest.mark.parametrize(
    "text, wanted",
    [("NULL)", 0), ("0x10", 16), ("-1", -1), ("NULL", 0), ("PROT_READ", None), ("1e3", None)],
)
def test_numbers(text, wanted):
    assert log_text.number(text.rstrip(")")) == wanted


def test_the_end_of_the_arguments():
    assert log_text.end_of_arguments('"a)", (1), 2) = 0') == 12
    assert log_text.end_of_arguments("1, 2") is None


# ---- stored logs --------------------------------------------------------------------------------


def test_threads_and_resumed_lines():
    """racing.c: four threads, seven mmap and munmap each, beside what starting them takes."""
    text = lines("racing.strace")
    assert sum("<unfinished ...>" in line for line in text) > 5  # else the log tests nothing
    records = strace_log.parse(text)
    assert len(strace_events.tasks(records).threads) == 5
    events = strace_events.memory(records)
    own = Counter((e.name, e.task) for e in events if e.size == 4096 * 1009)
    assert own == {(name, task): 7 for name in ("mmap", "munmap") for task in (1, 2, 3, 4)}
    assert not strace_events.unreturned(records)
    # grep counts each line that begins a call, and none that goes on with one
    begun = [line for line in text if " resumed>" not in line]
    for name in strace_events.NAMES:
        wanted = sum(line.split(None, 1)[1].startswith(name + "(") for line in begun)
        assert strace_events.count(records)["process"][name] == wanted


def test_what_an_execve_of_another_thread_supersedes():
    records = parsed("superseded.strace")
    assert strace_events.executions(records) == 2
    events = strace_events.memory(records)
    assert Counter(e.name for e in events if e.image == 1) == {
        "brk": 3, "mmap": 8, "mprotect": 3, "munmap": 1
    }  # fmt: skip
    assert {e.task for e in events if e.image == 1} == {0}
    assert [r.result for r in records if r.kind == "superseded"] == [21262]
    assert strace_events.ending(records) == ("exited", 0)
    assert len(strace_events.unreturned(records)) == 1  # the munmap that its end cut off


@pytest.mark.parametrize("name, signal, end", [
    ("signal.strace", "SIGUSR1", ("exited", 0)),
    ("crash.strace", "SIGSEGV", ("signalled", "SIGSEGV")),
])  # fmt: skip
def test_signals_are_no_syscalls(name, signal, end):
    records = parsed(name)
    assert [r.name for r in records if r.kind == "signal"] == [signal]
    assert strace_events.ending(records) == end
    assert counted(name) == {"brk": 3, "mmap": 8, "mprotect": 3, "munmap": 1}


def test_times_and_an_interrupted_call():
    records = parsed("times.strace")
    waits = [r for r in records if r.name == "pause"]
    assert [(r.result, r.errno) for r in waits] == [(None, None)] * 2
    assert [r.name for r in records if r.kind == "signal"] == ["SIGUSR1", "SIGTERM"]
    assert strace_events.ending(records) == ("signalled", "SIGTERM")
    assert counted("times.strace") == {"brk": 3, "mmap": 8, "mprotect": 3, "munmap": 1}
    assert next(r for r in records if r.name == "getrandom").args[1] == "8"


def test_a_log_that_ends_in_the_middle():
    records = parsed("killed.strace")
    assert strace_events.ending(records) == ("unknown", None)
    assert counted("killed.strace") == {"brk": 3, "mmap": 8, "mprotect": 3, "munmap": 1}
    opened = [r for r in records if r.name == "openat"]
    assert [r.result for r in opened] == [3, 3]  # `= 3</usr/lib/…>` of strace -y


def test_an_odd_name_is_no_call():
    """The program is named: a "odd(name) = 0 <unfinished ...>->malloc(7"""
    records = parsed("odd-name.strace")
    assert [(r.name, r.result, len(r.args)) for r in records][0] == ("execve", 0, 3)
    assert counted("odd-name.strace") == {"brk": 3, "mmap": 8, "mprotect": 3, "munmap": 1}


def test_children_are_counted_apart():
    records = parsed("fork.strace")
    assert len(strace_events.tasks(records).threads) == 1
    assert len(strace_events.tasks(records).children) == 1
    records = parsed("exec.strace")
    assert strace_events.executions(records) == 2
    assert {e.image for e in strace_events.memory(records)} == {0, 1}


def test_the_break_is_told_by_what_it_moved():
    sizes = [e.size for e in strace_events.memory(parsed("signal.strace")) if e.name == "brk"]
    assert sizes == [0, 0, 135168]


def test_every_prefix_of_every_log_can_be_read():
    """Whatever is cut off: no error, and never more calls than lines that begin one."""
    for name in os.listdir(LOGS):
        if name.endswith(".strace"):
            text = "\n".join(lines(name))
            for end in range(0, len(text), 97):
                part = text[:end].splitlines()
                records = strace_log.parse(part)
                strace_events.memory(records)
                assert len(records) <= len(part)


# ---- twins --------------------------------------------------------------------------------------


def test_twin_a_line_more_or_less_changes_the_count():
    text = lines("racing.strace")
    whole = strace_events.count(strace_log.parse(text))["process"]
    where = next(i for i, line in enumerate(text) if " munmap(" in line and "= 0" in line)
    less = strace_events.count(strace_log.parse(text[:where] + text[where + 1 :]))["process"]
    assert whole - less == Counter(munmap=1)


def test_twin_two_halves_of_one_call_are_not_two():
    halves = [
        "7 mmap(NULL, 1, <unfinished ...>",
        "8 brk(NULL) = 0x1",
        "7 <... mmap resumed>2) = 0x5",
    ]
    records = strace_log.parse(halves)
    assert [(r.tid, r.name, r.result) for r in records] == [(7, "mmap", 5), (8, "brk", 1)]
    assert records[0].args == ["NULL", "1", "2"]
    other = strace_log.parse([halves[0], "7 <... munmap resumed>) = 0"])
    assert [(r.name, r.result) for r in other] == [("mmap", None), ("munmap", 0)]


# ---- a fresh one --------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_a_fresh_log_of_this_strace():
    target_programs.build()
    program = next((p for p in target_programs.programs() if p.name == "thread"), None)
    if program is None:
        pytest.skip("thread was not built")
    records, done = strace_run.witness([os.path.join(ROOT, *program.command)], 300)
    assert strace_events.ending(records) == ("exited", 0) and done.status == 0
    assert len(strace_events.tasks(records).threads) == 2
    assert not [r for r in records if r.kind == "other"]
