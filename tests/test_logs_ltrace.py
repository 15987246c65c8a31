"""ltrace's text: real logs that were stored (tests/record_logs.py), fresh ones, and torn ones."""

import os
import shutil
import sys

import pytest

import target_programs
from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import compare, ltrace_events, ltrace_log, ltrace_run  # noqa: E402

LOGS = os.path.join(ROOT, "tests", "data", "logs")
EDGES = [  # edges.c, as libc's functions are entered: name, size, nmemb, pointer
    ("free", None, None, 0),
    ("malloc", (1 << 63) + 1, None, None),
    ("calloc", 3, (1 << 63) + 1, None),
    ("reallocarray", 5, (1 << 63) + 1, 0),
    ("posix_memalign", 1013, None, None),
    ("realloc", 1009, None, 0),
    ("malloc", 1009, None, None),
]


def lines(name):
    with open(os.path.join(LOGS, name), encoding="utf-8", errors="surrogateescape") as file:
        return file.read().splitlines()


def parsed(name):
    return ltrace_log.parse(lines(name))


def shape(events):
    return [(e.name, e.size, e.nmemb, e.ptr) for e in events]


@pytest.mark.parametrize("name", ["edges.ltrace", "odd-name.ltrace"])
def test_a_call_that_stands_there_twice(name):
    """Of the odd name: a "odd(name) = 0 <unfinished ...>->malloc(7"""
    log = parsed(name)
    entries, plt = ltrace_events.calls(log)
    assert shape(entries)[:7] == EDGES and shape(entries)[7][:2] == ("realloc", 0)
    assert [e.name for e in plt] == [name for name, *_ in EDGES[:6]] + ["realloc"]
    assert compare.plt_pairs(entries, plt) == len(plt) == 7
    assert {e.args["caller"] for e in plt} == {
        "edges" if name == "edges.ltrace" else 'a "odd(name) = 0 <unfinished ...>->malloc(7'
    }
    assert log.noise == [] and list(log.ends.values()) == [("exited", 0)]


def test_the_call_within_a_call():
    calls = parsed("edges.ltrace").calls
    inner = [c for c in calls if c.name == "malloc" and c.args == ["1009"]]
    assert len(inner) == 1 and calls[inner[0].outer].name == "realloc"
    assert calls[inner[0].outer].returned and calls[inner[0].outer].result == inner[0].result


def test_plain_ltrace_has_neither_caller_nor_library():
    log = parsed("plain.ltrace")
    assert {(c.caller, c.library) for c in log.calls} == {(None, None)}
    assert [c.name for c in log.calls] == [
        "free", "malloc", "calloc", "reallocarray", "posix_memalign", "realloc", "realloc"
    ]  # fmt: skip


def test_threads():
    log = parsed("thread.ltrace")
    assert len(log.tids) == 2 and set(log.ends.values()) == {("exited", 0)}
    entries, plt = ltrace_events.calls(log)
    assert [(e.task, e.name) for e in entries] == [(0, "calloc"), (1, "malloc")] + [(1, "free")] * 5
    assert [(e.task, e.name) for e in plt] == [(1, "malloc"), (1, "free")]
    assert ltrace_events.calls(log, [0])[0] == entries[:1]


@pytest.mark.parametrize("name, end", [
    ("signal.ltrace", ("exited", 0)),
    ("crash.ltrace", ("signalled", "SIGSEGV")),
    ("sigtrap.ltrace", ("exited", 3)),
])  # fmt: skip
def test_signals_and_ends(name, end):
    log = parsed(name)
    assert list(log.ends.values()) == [end]
    assert len(ltrace_events.calls(log)[0]) == 1
    noise = ["unexpected breakpoint at"] if name == "sigtrap.ltrace" else []
    assert [text[:24] for text in log.noise] == noise


def test_a_child_and_an_exec():
    log = parsed("fork.ltrace")
    assert [(e.task, e.size) for e in ltrace_events.calls(log)[0]] == [
        (0, 1009), (1, 1013), (0, 1019)
    ]  # fmt: skip
    assert [e.size for e in ltrace_events.calls(log, [0])[0]] == [1009, 1019]
    assert [(e.image, e.size) for e in ltrace_events.calls(parsed("exec.ltrace"))[0]] == [
        (0, 1009), (1, 1013)
    ]  # fmt: skip


def test_a_log_that_ends_in_the_middle():
    log = parsed("killed.ltrace")
    assert log.ends == {}
    assert [(e.name, e.size) for e in ltrace_events.calls(log)[0]] == [
        ("malloc", 1009), ("malloc", 1013), ("free", None), ("free", None)
    ]  # fmt: skip


def test_every_prefix_of_every_log_can_be_read():
    for name in os.listdir(LOGS):
        if name.endswith(".ltrace"):
            text = "\n".join(lines(name))
            for end in range(len(text)):
                part = text[:end].splitlines()
                assert len(ltrace_log.parse(part).calls) <= len(part)


def test_twin_a_string_that_looks_like_a_call():
    text = ['7 prog->puts("x->malloc(3 <unfinished ...>', "7 <... puts resumed> ) = 5"]
    log = ltrace_log.parse(text)
    assert [(c.caller, c.name, c.result) for c in log.calls] == [("prog", "puts", 5)]
    assert ltrace_log.parse(["7 prog->malloc(3) = 0x5"]).calls[0].name == "malloc"


def test_twin_a_resumed_line_without_a_beginning_is_noise():
    log = ltrace_log.parse(["7 <... malloc resumed> ) = 5", "what is this"])
    assert log.calls == [] and len(log.noise) == 2


@pytest.mark.skipif(not shutil.which("ltrace"), reason="no ltrace")
def test_a_fresh_log_of_this_ltrace():
    target_programs.build()
    program = next((p for p in target_programs.programs() if p.name == "edges"), None)
    if program is None:
        pytest.skip("edges was not built")
    log, _ = ltrace_run.witness([os.path.join(ROOT, *program.command)], 300)
    entries, _ = ltrace_events.calls(log)
    assert shape(entries)[:5] == EDGES[:5]
