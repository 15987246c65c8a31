"""The processes of a run from their begin to their end, and the programs that each of them was.

A program is one image of one process: from its exec, or from the fork that made the process, to
the next exec or the end. (pid, image) names it: every exec of a run has an image number of its
own, and a forked child has that of its parent until it execs. Pure; the run comes from a stranger.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter

from alloctrace import fields
from alloctrace.patterns import Pattern
from alloctrace.plain import fresh, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class Counted(Protocol):
        """What is asked of a Group here: of which program its events are, and how many."""

        @property
        def pid(self) -> int:
            ...

        @property
        def image(self) -> int:
            ...

        @property
        def count(self) -> int:
            ...

        @property
        def is_call(self) -> bool:
            ...


_STATE = ("rss_bytes", "minor_faults", "major_faults", "mapped_bytes")
SHELLS = frozenset("sh bash dash ksh mksh zsh ash fish".split())
_INTERPRETERS = Pattern(
    r"(%s|(python|perl|ruby|php|lua|tclsh|wish|node|guile)[\d.]*)" % "|".join(SHELLS)
)


@plain
class Program:
    """`began`: start, fork or exec. Times are nanoseconds since the first instruction."""

    pid: int
    image: int
    path: str = ""
    command: list[str] = fresh(list)  # the words that it was given; [] not known
    began: str = "exec"
    began_ns: int | None = None
    ended_ns: int | None = None
    closing: dict[str, int | None] = fresh(dict)  # the process at its end, as run.process_at_end
    execs: bool = False  # another program followed in the same process
    events: int = 0
    calls: int = 0
    hides: bool = False  # it makes calls that were not seen: theirs are no share of all

    @property
    def key(self) -> tuple[int, int]:
        return self.pid, self.image

    @property
    def file(self) -> str:
        """The name of its file; "": not known."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        """What it was called as (`sh`, `gcc`, `python3`), else its file (`dash`)."""
        called = self.command[0].rsplit("/", 1)[-1].lstrip("-") if self.command else ""
        return called or self.file

    @property
    def script(self) -> str:
        """The name of the script that it runs, where it is an interpreter; "" for none."""
        if len(self.command) < 2 or not _INTERPRETERS.fullmatch(self.name):
            return ""
        word = self.command[1]
        return "" if word[:1] in ("-", "+") else word.rsplit("/", 1)[-1]


@plain
class Process:
    pid: int
    parent: Process | None = None
    parent_pid: int | None = None
    parent_image: int | None = None  # what the parent ran then
    programs: list[Program] = fresh(list)
    copied: tuple[int, int] = (0, 0)  # blocks, bytes that it began with as copies of its parent's
    exit: dict[str, Any] = fresh(dict)  # kind, status
    title: list[str] = fresh(list)  # its command at the end

    @property
    def last(self) -> Program:
        return self.programs[-1]


def of_run(run: dict[str, Any], groups: Sequence[Counted]) -> list[Process]:
    """[Process], the first one first, then as they began. `groups`: for their events."""
    made = _Maker(run, groups)
    made.count(groups)
    made.find_hidden(run)
    return made.processes


class _Maker:
    def __init__(self, run: dict[str, Any], groups: Sequence[Counted]) -> None:
        self.processes: list[Process] = []
        # Those of one number: the kernel uses them again.
        self._of_pid: defaultdict[int, list[Process]] = defaultdict(list)
        self._owners = _owners(groups)  # of traces that do not say whose an image is
        first = self._process(fields.number(run, "pid", groups[0].pid if groups else 0))
        first.exit = dict(run.get("exit") or {})
        for kind, data in _in_time(run):
            getattr(self, "_" + kind)(data)
        for pid, image in dict.fromkeys(map(_key, groups)):  # what nobody announced
            self._program_of(pid, image)
        self._close(run, first)

    def _process(self, pid: int, **more: Any) -> Process:
        process = Process(pid, **more)
        self.processes.append(process)
        self._of_pid[pid].append(process)
        return process

    def _newest(self, pid: int | None) -> Process | None:
        return self._of_pid[pid][-1] if pid is not None and self._of_pid.get(pid) else None

    def _child(self, data: dict[str, Any]) -> None:
        pid, parent = fields.number(data, "pid", None), fields.number(data, "parent", None)
        if pid is None or pid in (parent, self.processes[0].pid):
            return
        before, image = self._newest(parent), fields.number(data, "image", None)
        copied = fields.number(data, "copied_blocks"), fields.number(data, "copied_bytes")
        process = self._process(
            pid, parent=before, parent_pid=parent, parent_image=image, copied=copied
        )
        began_ns = fields.number(data, "t_ns", None)
        process.programs.append(Program(pid, image or 0, began="fork", began_ns=began_ns))

    def _image(self, data: dict[str, Any]) -> None:
        number = fields.number(data, "index", None)
        if number is None:
            return
        pid = fields.number(data, "pid", self._owners.get(number))
        process = self._newest(pid) if pid is not None else None
        process = process or (self.processes[0] if number == 0 else None)
        if process is None:
            return
        program = Program(
            process.pid,
            number,
            fields.text(data, "path"),
            texts(data.get("command")),
            "exec" if process.programs else "start",
            fields.number(data, "t_ns", None),
        )
        if process.programs:
            process.last.execs, process.last.ended_ns = True, program.began_ns
        process.programs.append(program)

    def _exit(self, data: dict[str, Any]) -> None:
        process = self._newest(fields.number(data, "pid", None))
        if process is None or not process.programs:
            return
        process.title = texts(data.get("command"))
        process.last.ended_ns = fields.number(data, "t_ns", None)
        process.last.closing = {name: fields.number(data, name, None) for name in _STATE}

    def _end(self, data: dict[str, Any]) -> None:
        process = self._newest(fields.number(data, "pid", None))
        if process is None or not process.programs:
            return
        process.title = texts(data.get("command")) or process.title
        if process.last.ended_ns is None and data.get("kind") != "running":
            process.last.ended_ns = fields.number(data, "t_ns", None)
        if process is not self.processes[0]:
            status = fields.number(data, "status", None)
            process.exit = {"kind": fields.text(data, "kind", "unknown"), "status": status}

    def _close(self, run: dict[str, Any], first: Process) -> None:
        """What is known of the first process by other ways."""
        if not first.programs:
            first.programs.append(Program(first.pid, 0, began="start"))
        for process in self.processes:
            self._inherit(process)
        closing = run.get("process_at_end") or {}
        first.last.ended_ns = fields.number(closing, "t_ns", first.last.ended_ns)
        first.last.closing = {name: fields.number(closing, name, None) for name in _STATE}

    @staticmethod
    def _inherit(process: Process) -> None:
        """A fork runs what its parent did; traces of older brkpoints do not say which program."""
        before, program = process.parent, process.programs[0] if process.programs else None
        if before is None or not before.programs or program is None or program.began != "fork":
            return
        if process.parent_image is None:
            process.parent_image = program.image = before.last.image
        source = _find(before, process.parent_image)
        if source is not None:
            program.path, program.command = source.path, source.command

    def _program_of(self, pid: int, image: int) -> Program:
        for process in self._of_pid.get(pid, ()):
            found = _find(process, image)
            if found is not None:
                return found
        process = self._newest(pid) or self._process(pid)
        program = Program(pid, image, began="start")
        if process.parent is not None:
            program.began = "fork"
        process.programs.insert(0, program)
        return program

    def count(self, groups: Sequence[Counted]) -> None:
        known: dict[tuple[int, int], Program] = {}
        for group in groups:
            key = group.pid, group.image
            program = known.get(key)
            if program is None:
                program = known[key] = self._program_of(*key)
            program.events += group.count
            program.calls += group.count if group.is_call else 0

    def find_hidden(self, run: dict[str, Any]) -> None:
        """Those with an allocator of their own; and those of which no call at all was seen, where
        a program that begins makes some: static and stripped ones, Go's."""
        begins = run.get("mode") != "attached"
        rows = [row for row in run.get("unseen") or () if isinstance(row, dict)]
        own = {fields.text(row, "path") for row in rows} - {""}
        for program in (program for process in self.processes for program in process.programs):
            silent = begins and program.began != "fork" and not program.calls
            program.hides = silent or program.path in own


_key = attrgetter("pid", "image")


def _in_time(run: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(kind, record) of all that tells of processes, in time; of one moment as lives go. No program
    runs before its process is there, whatever the times say."""
    begun: dict[int | None, int] = {}
    for data in run.get("children") or ():
        if isinstance(data, dict):
            pid = fields.number(data, "pid", None)
            begun[pid] = 0 if pid in begun else fields.number(data, "t_ns", 0)  # numbers come again
    found: list[tuple[int, int, int, str, dict[str, Any]]] = []
    lists = (("child", "children"), ("image", "images"), ("exit", "exits"), ("end", "ends"))
    for rank, (kind, name) in enumerate(lists):
        for data in run.get(name) or ():
            if isinstance(data, dict):
                when = fields.number(data, "t_ns", 0)
                if kind == "image" and fields.number(data, "index", None) == 0:
                    when = 0
                elif kind == "image":
                    when = max(when, begun.get(fields.number(data, "pid", None), 0))
                found.append((when, rank, len(found), kind, data))
    return [(kind, data) for *_, kind, data in sorted(found, key=lambda row: row[:3])]


def _owners(groups: Sequence[Counted]) -> dict[int, int]:
    """{image: pid}: of several processes the one that ran it first."""
    found: dict[int, int] = {}
    for group in groups:
        found.setdefault(group.image, group.pid)
    return found


def _find(process: Process, image: int) -> Program | None:
    programs = process.programs if process is not None else ()
    return next((program for program in programs if program.image == image), None)


def texts(value: object) -> list[str]:
    """A list of texts, of a stranger's."""
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
