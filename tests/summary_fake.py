"""A stand-in for trace.Trace made of plain model values, for tests of the reports."""

from __future__ import annotations

from alloctrace.history import groups
from alloctrace.model import Border, Event, Frame, Purpose, Verdict
from alloctrace.stacks.tree import StackTree

MS = 1_000_000


class FakeTrace:
    """What summary and reports use of a Trace: run, borders, notes, events(), stack()."""

    path = "empty.1.brkpoint"

    def __init__(self, events=(), borders=None, stacks=None, notes=(), **run):
        self._events, self._stacks = list(events), stacks or {}
        self.borders = borders if borders is not None else usual_borders()
        self.modules, self.notes = [], list(notes)
        self.run = {
            "program": "./a.out",
            "command": ["./a.out"],
            "engine": "breakpoints",
            "complete": True,
            "events_lost": 0,
            "programs_not_seen": 0,
            "exit": {"kind": "exited", "status": 0},
            "date": "2022-01-02 03:04:05",
            "versions": {"gdb": "13.1"},
            "cost": {"stops": 62, "engine_ns": 300 * MS},
        }
        self.run.update(run)

    def events(self):
        return iter(self._events)

    def sums(self):
        return groups.of_events(self._events)

    @property
    def tree(self):
        return StackTree.of(self._stacks)

    def stack(self, id_):
        return self._stacks.get(id_, ())

    def cut(self, _):
        return None

    def blocks(self):
        return iter(())


def usual_borders():
    return [
        Border("load", 0, "the first instruction, of ld-linux-x86-64.so.2", 0, 8192, 1, 0, 2097152),
        Border("init", 9 * MS, "first initialiser, of libc.so.6", 0, 1400832, 90, 2, 3000000),
        Border("main", 10 * MS, "main, by its symbol", 0, 1404928, 92, 2, 3000000),
        Border("exit", 11 * MS, "main returned", 0, 1404928, 95, 2, 3000000),
    ]


def frame(function, role="executable", module="a.out", file=None, line=None):
    return Frame(0x1000, module, "/x/" + module, role, 0x10, function, file, line)


def loader(name, decided_by=0):
    return Verdict("loader", None, (), False, decided_by, name, "frame")


def user(direct=True, via=()):
    return Verdict("user", None, via, direct, 0, "user function", "frame")


def runtime(owner):
    return Verdict("runtime", owner, (), False, 0, "table of runtimes", "frame")


def call(seq, name="malloc", size=None, **more):
    """A call event; times grow with seq."""
    values = {"impl": name, "dur_ns": 1000, "result": 0x1000 * seq, "phase": "main"}
    values["verdict"] = user()
    values["purpose"] = Purpose()
    if name != "free":
        values["block"] = seq
    values.update(more)
    return Event(seq, seq * 1000, 7, values.pop("tid", 7), "call", name, size=size, **values)


def syscall(seq, name="mmap", size=None, **more):
    values = {"dur_ns": 1000, "result": 0x7F0000000000, "phase": "load"}
    values.update(verdict=loader("x"), purpose=Purpose())
    values.update(more)
    return Event(seq, seq * 1000, 7, values.pop("tid", 7), "syscall", name, size=size, **values)


def because(text):
    return Purpose(text, "rule", "source")
