"""`run --verify`, and the comparison of two traces behind it: every kind of difference is found."""

import copy
import os
import re
import shutil
import signal
import subprocess
import types

import launching
import pytest
from attaching import until
from made_traces import classify, made_history, symbolise
from target_programs import brkpoint

from alloctrace import plain
from alloctrace.model import Event, Purpose, Verdict
from alloctrace.trace import same, trace
from command import verify
from start import recorder

needs_recorder = pytest.mark.skipif(
    recorder.find() is None or not shutil.which("gdb"), reason="the recorder is not built"
)


@needs_recorder
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_ends_all_of_it(tmp_path, number):
    """Not only the run at hand, with the next one to begin."""
    begun = tmp_path / "begun"
    program = ["sh", "-c", "echo x >> %s; exec sleep 60" % begun]
    words = [launching.BRKPOINT, "--verify", *program]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: begun.exists() and begun.read_text())
        process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 125 and "incomplete: stopped by" in said
    assert begun.read_text() == "x\n"


class Changed:
    """A trace that says of its events what it is told to say."""

    def __init__(self, opened, events=None, **more):
        self._opened, self._events = opened, events
        self.__dict__.update(more)

    def __getattr__(self, name):
        return getattr(self._opened, name)

    def events(self):
        return iter(copy.deepcopy(self._events))


@pytest.fixture(name="opened")
def _opened(tmp_path, monkeypatch):
    monkeypatch.setattr("alloctrace.purpose.classify.classify", classify)
    built, path = made_history(), str(tmp_path / "made.brkpoint")
    trace.write(path, built, symbolise(built), {})
    with trace.open(path) as opened:
        yield opened


def compared(opened, change, **more):
    events = list(opened.events())
    change(events)
    return same.differences(opened, Changed(opened, events, **more), addresses=True)


def test_a_trace_equals_itself(opened):
    assert not same.differences(opened, opened, addresses=True)
    assert not compared(opened, lambda events: None)


@pytest.mark.parametrize("at", range(8))
def test_one_event_less(opened, at):
    name = list(opened.events())[at].name
    found = compared(opened, lambda events: events.pop(at))
    assert any("only in the first: %s" % name in text for text in found), found


@pytest.mark.parametrize("at", range(8))
def test_one_event_twice(opened, at):
    event = list(opened.events())[at]
    twin = plain.replace(event, seq=1009)
    found = compared(opened, lambda events: events.insert(at + 1, twin))
    assert any("only in the second: %s" % event.name in text for text in found), found


def test_one_event_less_is_one_difference_among_many():
    events = [made_event(seq, seq % 7) for seq in range(1009)]
    left = Plain(events)
    found = same.differences(left, Plain(events[:499] + events[500:]))
    assert len(found) == 2 and "1009 events, 1008 events" in found[0]
    assert "event 499: only in the first" in found[1] or "event 49" in found[1]


CHANGES = {
    "size": 1013,
    "name": "valloc",
    "impl": "other",
    "ptr": 1019,
    "result": 1021,
    "errno": 5,
    "phase": "exit",
    "image": 3,
    "args": {"prot": 7},
    "cause": 1,
    "outer": 1,
    "nmemb": 1031,
    "align": 128,
    "kind": "syscall",
    "stack": -1,
    "block": 1033,
}


@pytest.mark.parametrize("field", CHANGES)
def test_one_field_of_one_event(opened, field):
    events = list(opened.events())
    at = next(i for i, event in enumerate(events) if event.block is not None)
    value = CHANGES[field]
    if getattr(events[at], field) == value:
        value = None
    found = compared(opened, lambda events: setattr(events[at], field, value))
    assert any(field in text or "only in" in text for text in found), found


@pytest.mark.parametrize("field", ["origin", "owner", "via", "direct", "rule", "for_whom"])
def test_one_field_of_a_verdict(opened, field):
    def change(events):
        verdict = events[0].verdict or Verdict()
        events[0].verdict = plain.replace(verdict, **{field: "changed"})

    assert any(field in text for text in compared(opened, change))


def test_a_purpose(opened):
    def change(events):
        events[1].purpose = Purpose("a guess", "f", "f.c")

    assert any("purpose" in text for text in compared(opened, change))


def test_a_call_that_did_not_return(opened):
    def change(events):
        next(event for event in events if event.dur_ns is not None).dur_ns = None

    assert any("returned" in text for text in compared(opened, change))


def test_a_phase_and_a_loss(opened):
    events = list(opened.events())
    later = Changed(opened, events, borders=opened.borders[1:])
    assert any(text.startswith("phases") for text in same.differences(opened, later))
    lossy = Changed(opened, events, run=dict(opened.run, events_lost=7))
    assert any(text.startswith("events lost") for text in same.differences(opened, lossy))


def test_another_thread(opened):
    def change(events):
        events[-1].tid = 1009

    assert any("threads: 1, 2" in text for text in compared(opened, change))


def test_the_limit_holds(opened):
    def change(events):
        for event in events:
            event.phase = "changed"

    assert len(compared(opened, change)) == 10


class Plain:
    """A trace of nothing but events without stacks."""

    run, borders = {}, ()

    def __init__(self, events):
        self._events = events

    def events(self):
        return iter(self._events)

    @staticmethod
    def stack(id_):
        return ()

    @staticmethod
    def cut(id_):
        return None


def made_event(seq, size):
    return Event(seq, t_ns=0, pid=1, tid=1, kind="call", name="malloc", size=size)


# ---- the command -------------------------------------------------------------------------------

EVERY_RUN_ANOTHER = "import os, sys; bytes(os.getpid() % 65536 + 70000)"


@pytest.mark.skipif("CI" not in os.environ, reason="a person may do without the recorder")
def test_where_it_counts_the_recorder_is_built():
    assert recorder.find() is not None


@needs_recorder
def test_a_program_that_does_the_same_twice():
    done = brkpoint("run", "--verify", "ls", "/")
    assert done.returncode == 0, done.stderr
    count = int(re.search(r"the same (\d+) events", done.stderr).group(1))
    assert count > 100
    assert len(done.stderr.splitlines()) == 1


@needs_recorder
def test_twin_a_program_that_does_not():
    done = brkpoint("run", "--verify", "/usr/bin/python3", "-c", EVERY_RUN_ANOTHER)
    assert done.returncode == 2, done.stderr
    assert "the two runs differ" in done.stderr and "engines differ" not in done.stderr
    assert 2 <= len(done.stderr.splitlines()) <= 12


class Ended:
    kind, status = "exited", 0

    def describe(self):
        return "exited with status 0"


def verified(tmp_path, monkeypatch, histories):
    """The status of `--verify`, where the runs, in their order, are these histories."""
    monkeypatch.setattr("alloctrace.purpose.classify.classify", classify)

    def recorded(argv, found, options, folder, engine, time):
        path = str(tmp_path / ("%s-%d.brkpoint" % (engine, time)))
        built = histories[engine, time]
        trace.write(path, built, symbolise(built), {})
        return Ended(), path

    monkeypatch.setattr(verify, "_recorded", recorded)
    return verify.verify([], None, types.SimpleNamespace())


def histories(*sizes):
    """Of breakpoints twice, then of the recorder: they differ in the size of an event."""
    keys = [(engine, time) for engine in verify.ENGINES for time in (1, 2)]
    found = {key: made_history() for key in keys}
    for key, size in zip(keys, sizes):
        next(e for e in found[key].events if e.name == "malloc").size = size
    return found


@pytest.mark.parametrize(
    "sizes, status, said",
    [
        ((1009, 1009, 1009, 1009), 0, "both engines saw the same"),
        ((1009, 1009, 1013, 1013), 1, "the engines differ"),
        ((1009, 1009, 1013, 1019), 2, "the two runs differ: under the recorder engine twice"),
        ((1009, 1013, 1019, 1019), 2, "the two runs differ: under the breakpoints engine twice"),
    ],
)
def test_only_where_the_control_agrees_the_engines_differ(
    tmp_path, monkeypatch, capsys, sizes, status, said
):
    assert verified(tmp_path, monkeypatch, histories(*sizes)) == status
    assert said in capsys.readouterr().err


@needs_recorder
def test_a_file_as_standard_input_is_read_from_its_start_both_times(tmp_path):
    text = tmp_path / "text"
    text.write_text("line %d\n" * 101 % tuple(range(101)))
    with open(text) as file:
        done = brkpoint("run", "--verify", "sort", stdin=file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("line 100\n") == 2


@pytest.mark.parametrize("options", [["-o", "x.brkpoint"], ["--live"]])
def test_what_verify_cannot_do(options):
    done = brkpoint("run", "--verify", *options, "true")
    assert done.returncode == 2 and "--verify" in done.stderr


def test_a_program_that_is_not_there():
    assert brkpoint("run", "--verify", "/nonexistent/program").returncode in (125, 127)
