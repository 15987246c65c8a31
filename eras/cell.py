"""One cell: build the target in its era, watch it there, and keep the facts in cell.json.

Whatever goes wrong in a cell stays in that cell: its state says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import time

from alloctrace.trace import trace

from . import facts, places, plan, roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .plan import Cell

DONE, LEFT_OUT, FAILED = "done", "left out", "failed"
# The program has a name that no purpose has: it is told as "the program".
RESULT, TRACE, PROGRAM, LOG = "cell.json", "run.brkpoint", "eras-program", "log"
STAMP = "done"  # what make looks at: it is there where the result is, and is not failed
_SECONDS = 180  # for each step
_ENTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "enter")
_WORDS = ("LANG=C.UTF-8", "HOME=/root", "BRKPOINT_CACHE=")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ASK = (
    "{compiler} --version | head -n 1; /usr/bin/python3 -c 'import platform; "
    "print(platform.python_version())'; dpkg-query -W -f '${{Version}}\\n' {libc} 2>/dev/null"
)


class CellError(Exception):
    """One line: why the cell failed."""


class LeftOut(Exception):
    """One line: what this era has not, which the target needs."""


class Place:
    """Where the steps of a cell run: in a root of another release, or on this machine."""

    def __init__(self, cell: Cell, toolchain: str | None = None) -> None:
        self.folder, self.cell, self.toolchain = places.cell(cell.name), cell, toolchain
        self.root = places.root(cell.era.name) if cell.era.suite else ""
        self.inside = "/cell" if self.root else self.folder
        self.product = "/brkpoint" if self.root else places.TOP

    def run(self, command: str, words: Sequence[str] = ()) -> tuple[int, str]:
        """Run a line of shell with these words in its environment; (exit status, what it said)."""
        line = ["/usr/bin/env", "-i", *_WORDS, _PATH, *words, "/bin/sh", "-c", command]
        if self.root:
            line = [_ENTER, self.root, places.TOP, self.folder, self.toolchain or "-", *line]
        process = subprocess.Popen(
            line,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said = process.communicate(timeout=_SECONDS)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            _end(process)
            raise CellError("nothing after %d s: %s" % (_SECONDS, command)) from None
        except BaseException:
            _end(process)
            raise
        with open(os.path.join(self.folder, LOG), "a", encoding="utf-8") as file:
            file.write("$ %s\n%s" % (command, said))
        return process.returncode, said


def _end(process: subprocess.Popen[bytes]) -> None:
    """All of its group: the shell may have ended before what it began."""
    with contextlib.suppress(ProcessLookupError):  # Ctrl-C waits for it; nothing is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(cell: Cell, toolchain: str | None = None, place: Place | None = None) -> dict[str, Any]:
    """Run a cell; the dict that is in its cell.json then. `place`: as Place."""
    folder = places.cell(cell.name)
    os.makedirs(folder, exist_ok=True)
    for name in (STAMP, LOG, RESULT):
        if os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    told, begun = about(cell), time.monotonic()
    try:
        told.update(_run(cell, place or Place(cell, toolchain)), state=DONE)
    except LeftOut as error:
        told.update(state=LEFT_OUT, why=str(error))
    except (CellError, trace.TraceError, OSError, roots.RootError) as error:
        told.update(state=FAILED, why=str(error))
    told["took_s"] = round(time.monotonic() - begun, 1)
    write(told)
    if told["state"] != FAILED:
        open(os.path.join(folder, STAMP), "w", encoding="utf-8").close()
    return told


def about(cell: Cell) -> dict[str, Any]:
    """What a cell is, as its result tells it."""
    return {
        "cell": cell.name,
        "era": cell.era.name,
        "target": cell.target.name,
        "group": cell.target.group,
        "about": cell.target.about,
        "compiler": cell.compiler,
        "way": cell.way.name if cell.way else None,
    }


def write(told: dict[str, Any]) -> None:
    """Put a result into its place, whole or not at all."""
    path = os.path.join(places.cell(told["cell"]), RESULT)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1, sort_keys=True)
    os.rename(path + ".new", path)


def _run(cell: Cell, place: Place) -> dict[str, Any]:
    if cell.era.suite and not roots.is_made(cell.era):
        raise LeftOut("%s has no root: brkpoint eras prepare %s" % (cell.era.name, cell.era.name))
    names = _names(cell, place)
    if cell.target.needs and place.run(_filled(cell.target.needs, names))[0]:
        raise LeftOut(cell.target.lacks)
    build = _filled(plan.line(cell), names)
    _step(place, build, "it cannot be built")
    if cell.target.shows and place.run(_filled(cell.target.shows, names))[0]:
        raise LeftOut(cell.target.lacks)
    watch = "%s/brkpoint run --engine breakpoints --quiet --force --timeout %d -o %s %s" % (
        shlex.quote(place.product),
        _SECONDS - 20,
        shlex.quote(os.path.join(place.inside, TRACE)),
        names["out"],
    )
    path = os.path.join(place.folder, TRACE)
    if os.path.exists(path):
        os.unlink(path)
    status, said = place.run(watch + " > /dev/null", _way(cell, place))
    if not os.path.exists(path):
        raise CellError("it was not recorded: %s" % _last(said, status))
    with trace.open(path) as opened:
        _check_whole(opened.run)
        told = facts.of(opened, place.root, place.folder)
    told["built"] = build
    told["program_bytes"] = os.path.getsize(os.path.join(place.folder, PROGRAM))
    told["set"] = _way(cell, place)
    told["versions"].update(_versions(cell, place, names))
    return told


def _filled(line: str, names: dict[str, str]) -> str:
    try:
        return line.format(**names)
    except (LookupError, ValueError):
        known = ", ".join("{%s}" % name for name in sorted(names))
        raise CellError("of braces there are %s, and {{ for a brace: %s" % (known, line)) from None


def _check_whole(run: dict[str, Any]) -> None:
    """Raises CellError for a part of a run: its figures would be too small."""
    if not run.get("complete"):
        why = run.get("incomplete_because") or "the recording ended before the program did"
        raise CellError("its trace is incomplete: %s" % why)
    if run.get("events_lost"):
        raise CellError("its trace is incomplete: %d events were lost" % run["events_lost"])
    end = run.get("exit") or {}
    if (end.get("kind"), end.get("status")) != ("exited", 0):
        raise CellError("the program %(kind)s: status %(status)s" % end)


def _names(cell: Cell, place: Place) -> dict[str, str]:
    """What stands for the words in braces in a target's lines."""
    source = os.path.join(place.product, cell.target.source)
    names = {"source": shlex.quote(source), "link": ""}
    names["out"] = shlex.quote(os.path.join(place.inside, PROGRAM))
    if cell.compiler:
        names["rustc"] = _rustc(cell, place)
    if cell.way and cell.way.link:
        names["link"] = shlex.quote(_library(cell, cell.way.link))
    return names


def _rustc(cell: Cell, place: Place) -> str:
    if cell.compiler in cell.era.compilers:
        top = "/opt/%s/usr" % cell.compiler
        return "LD_LIBRARY_PATH=%s/lib/x86_64-linux-gnu %s/bin/rustc --sysroot %s" % (top, top, top)
    return "/opt/toolchain/bin/rustc" if place.toolchain else "rustc"


def _library(cell: Cell, pattern: str) -> str:
    found = roots.library(cell.era.name, pattern)
    if found is None:
        raise LeftOut("no package of %s has a %s" % (cell.era.name, pattern))
    return found


def _way(cell: Cell, place: Place) -> list[str]:
    """Words of the environment of the program; gdb has an environment of its own."""
    if cell.way is None:
        return []
    preload = [_library(cell, cell.way.preload)] if cell.way.preload else []
    return ["LD_PRELOAD=" + path for path in preload] + list(cell.way.words)


def _step(place: Place, command: str, wrong: str) -> None:
    status, said = place.run(command)
    if status:
        raise CellError("%s: %s" % (wrong, _last(said, status)))


def _last(said: str, status: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["status %d, without a word" % status])[-1 if not errors else 0]


def _versions(cell: Cell, place: Place, names: dict[str, str]) -> dict[str, str]:
    """{what: version} of the compiler, Python and the package of libc."""
    compiler = names.get("rustc") or plan.line(cell).split()[0]
    libc = "musl" if cell.era.builds == "musl" else "libc6"
    _, said = place.run(_ASK.format(compiler=compiler, libc=libc))
    return dict(zip(("compiler", "python", "package"), said.splitlines()))


def read(cell: Cell) -> dict[str, Any] | None:
    """The result of a cell, or None where it was not run."""
    try:
        with open(os.path.join(places.cell(cell.name), RESULT), encoding="utf-8") as file:
            told = json.load(file)
        return told if told["cell"] == cell.name and told["state"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
