"""The tools of the trade over a lesson's program: strace, ltrace, gdb as one types them, and the
scripts of trace-scripts/. What they print is shown; what it says can be measured.

They run the program again, in its folder and with what was set for its recording. What they said is
kept beside a stored trace, and taken from there: a program that others made is never run. Where
that is not there, or the tool is missing, it is said.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil

from alloctrace.escape import visible
from course.surroundings import surroundings
from start import scripts
from start.errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.trace.read import Trace

LIMIT_S = 60
MOST_LINES = 40
LINES = "lines "
# What each needs, and the words before a lesson's own.
_GDB = ["gdb", "-nx", "-q", "-batch", "-ex", "set debuginfod enabled off"]
_TOOLS = {"strace": ["strace"], "ltrace": ["ltrace"], "gdb": _GDB}
SCRIPTS = {
    "count-syscalls": "strace",
    "list-calls": "ltrace",
    "cross-check": "strace ltrace gdb",
}
NAMES = (*_TOOLS, *SCRIPTS)
LARGEST = 1 << 20  # bytes of what is kept beside a trace
_done: dict[tuple[Any, ...], str] = {}  # what was run: what it printed
# {path of a trace: what was set for its run, or None of a reader's program, which ran as it was}.
made_here: dict[str, dict[str, str] | None] = {}
said: dict[str, dict[str, str]] = {}  # {path of a trace: {a tool's command: what it printed}}


class Lacking(Exception):
    """The tool or the program is not there, or could do nothing. One line."""


def read(text: str) -> list[str]:
    """A tool's command, without the program; raises ValueError."""
    found = shlex.split(text)
    if not found or found[0] not in NAMES:
        raise ValueError("unknown tool; expected: %s" % ", ".join(NAMES))
    return found


def picked(text: str) -> tuple[list[str], str]:
    """(its words, what to pick) of `WORDS ; PICK`; raises ValueError."""
    before, _, pick = text.rpartition(" ; ")
    found = read(before)
    if found[0] not in SCRIPTS and not pick.startswith(LINES):
        raise ValueError("expected: tool WORDS ; lines TEXT")
    return found, pick


def typed(words: list[str], trace: Trace) -> str:
    """The command as a reader can type it, in the folder of the program."""
    variables = made_here.get(trace.path) or {}
    before = ["trace-scripts/" + words[0] if words[0] in SCRIPTS else words[0]]
    if words[0] == "gdb":
        before.append("-batch")
    set_ = [shlex.quote("%s=%s" % item) for item in variables.items()]
    return " ".join([*set_, *before, *map(shlex.quote, words[1:] + _program(trace)[1])])


def lines(words: list[str], trace: Trace) -> list[str]:
    """What it prints, the first MOST_LINES lines; raises Lacking."""
    found = visible_lines(_run(words, trace))
    more = ["… and %d more lines" % (len(found) - MOST_LINES)] if len(found) > MOST_LINES else []
    return found[:MOST_LINES] + more


def value(words: list[str], pick: str, trace: Trace) -> Any:
    """A number or text of it: with `lines malloc(` how many lines have that; else `counts.brk` of
    a script's JSON, where a list counts as its length."""
    if pick.startswith(LINES):
        return sum(pick[len(LINES) :] in line for line in visible_lines(_run(words, trace)))
    try:
        found = json.loads(_run([words[0], "--json", *words[1:]], trace))
        for key in pick.split("."):
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (ValueError, LookupError) as error:
        raise Lacking("%s says no %s on this machine: %s" % (words[0], pick, error)) from None
    return len(found) if isinstance(found, (list, dict)) else found


def visible_lines(text: str) -> list[str]:
    return [visible(line.expandtabs()) for line in text.rstrip("\n").split("\n") if line.strip()]


def _program(trace: Trace) -> tuple[str, list[str]]:
    """(folder, the words that start the program there)."""
    path = trace.run.get("program_file") or ""
    return os.path.dirname(path), ["./" + os.path.basename(path), *trace.run["command"][1:]]


def keep(trace: str, path: str) -> None:
    """Write beside the trace's copy at `path` what tools said of it."""
    if said.get(trace):
        with open(_beside(path), "w", encoding="utf-8") as file:
            json.dump(said[trace], file, indent=1, sort_keys=True)


def _beside(path: str) -> str:
    return os.path.splitext(path)[0] + ".tools.json"


def _stored(words: list[str], trace: Trace) -> str:
    try:
        with open(_beside(trace.path), encoding="utf-8") as file:
            return str(json.loads(file.read(LARGEST))[shlex.join(words)])
    except (OSError, ValueError, LookupError, TypeError):
        why = "this run is a stored one, and what %s said is not beside it"
        raise Lacking(why % words[0]) from None


def _run(words: list[str], trace: Trace) -> str:
    text = _run_here(words, trace) if trace.path in made_here else _stored(words, trace)
    said.setdefault(trace.path, {})[shlex.join(words)] = text
    return text


def _run_here(words: list[str], trace: Trace) -> str:
    folder, command = _program(trace)
    path = os.path.join(folder, command[0])
    if not os.path.isfile(path):
        raise Lacking("%s is gone" % shown(path))
    for tool in SCRIPTS.get(words[0], words[0]).split():
        if shutil.which(tool) is None:
            raise Lacking("%s is not on this machine: apt-get install %s" % (tool, tool))
    variables = made_here[trace.path]
    around = dict(os.environ) if variables is None else surroundings(variables)
    key = (*words, *command, folder, os.stat(path).st_mtime_ns, repr(variables))
    if key not in _done:
        _done[key] = _started(words, folder, command, around)
    return _done[key]


def _started(words: list[str], folder: str, command: list[str], around: dict[str, str]) -> str:
    scripts.find()
    from brkpoint_trace import tool  # type: ignore[import]  # found by scripts.find alone

    if words[0] in SCRIPTS:
        before = [os.path.join(scripts.TOP, "trace-scripts", words[0]), *words[1:]]
    else:
        before = [*_TOOLS[words[0]], *words[1:]]
    environment = {**around, "LC_ALL": "C.UTF-8", "DEBUGINFOD_URLS": ""}
    try:
        done = tool.run([*before, *command], LIMIT_S, environment=environment, folder=folder)
    except tool.Missing as error:
        raise Lacking(shown(str(error))) from None
    text: str = done.err if words[0] in ("strace", "ltrace") else done.out
    if done.timed_out or not text.strip():
        said = visible_lines(done.err)[-1:] or ["it said nothing"]
        raise Lacking("%s is not of use on this machine: %s" % (words[0], shown(said[0])))
    return text
