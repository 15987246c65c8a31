"""One gdb without a process reads debug information: (file, offsets) in, functions and lines out.

Paths and names travel as data: gdb sees links with harmless names in a temporary folder, and
writes its answers to a file there, one module a line, so that a crash loses one module only.
"""

from __future__ import annotations

import json
import os
import signal

from alloctrace import leftovers
from alloctrace.elf.debug import DEBUG_ROOTS
from alloctrace.symbols import symbols
from alloctrace.symbols.cache import SCRIPTS, TIMEOUT_S

from . import gdb_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO, Any, Optional

    from alloctrace.history.history import History
    from alloctrace.stacks.tree import StackTree
    from alloctrace.symbols.cache import Answers, Requests

    Said = tuple[list[Optional[Answers]], list[str]]  # (by file, what went wrong)

_TOOK = "gdb took more than"
_MAX_ANSWER = 1 << 28  # bytes
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_MAX_CRASHES = 3  # files that gdb may fail on before it is no longer asked


def symbolise(
    history: History, gdb: Any = "gdb", debug_roots: Sequence[str] = DEBUG_ROOTS, **more: Any
) -> StackTree:
    """As symbols.symbolise; `gdb` may also be the program to run."""
    asked = gdb
    if isinstance(gdb, str):
        roots = None if tuple(debug_roots) == DEBUG_ROOTS else list(debug_roots)

        def asked(requests: Requests) -> Said:
            return ask(requests, gdb, roots)

    return symbols.symbolise(history, gdb=asked, debug_roots=debug_roots, **more)


def ask(
    requests: Requests,
    gdb: str = "gdb",
    debug_roots: list[str] | None = None,
    timeout: float = TIMEOUT_S,
) -> Said:
    """[(path, offsets)] -> ([{offset: answer}], [what went wrong]).

    answer: {"chain": [[function, file, line], …] innermost first, "symbol": [name, distance]}
    A file that gdb ends at is left out, and the others are asked again. None in place of answers:
    gdb was stopped over it.
    """
    answers: list[Answers | None] = [{} for _ in requests]
    problems: list[str] = []
    waiting = list(range(len(requests)))
    for _ in range(_MAX_CRASHES):
        try:
            found, errors, problem = _ask([requests[i] for i in waiting], gdb, debug_roots, timeout)
        except OSError as error:
            return answers, problems + ["no symbols from gdb: %s" % (error.strerror or error)]
        for position, answer in found.items():
            answers[waiting[position]] = answer
        problems += errors + ([problem] if problem else [])
        unanswered = [index for at, index in enumerate(waiting) if at not in found]
        if problem is not None and problem.startswith(_TOOK) and unanswered:
            answers[unanswered[0]] = None
        if problem is None or len(unanswered) < 2:
            break
        waiting = unanswered[1:]  # they are read in order: gdb ended at the first of these
    return answers, problems


def _ask(
    requests: Requests, gdb: str, debug_roots: list[str] | None, timeout: float
) -> tuple[dict[int, Answers], list[str], str | None]:
    """One run of gdb: ({position in `requests`: {offset: answer}}, [errors], problem or None)."""
    with leftovers.folder() as folder:
        modules = []
        for index, (path, offsets) in enumerate(requests):
            name = "m%d" % index
            os.symlink(os.path.abspath(path), os.path.join(folder, name))
            modules.append({"file": name, "offsets": sorted(offsets)})
        request = {"modules": modules, "debug_roots": debug_roots}
        with open(os.path.join(folder, "request.json"), "w", encoding="ascii") as file:
            json.dump(request, file)
        problem = _run(gdb, folder, timeout)
        found, errors = _answers(os.path.join(folder, "answer.jsonl"), requests)
    return found, errors, problem


def _run(gdb: str, folder: str, timeout: float) -> str | None:
    """None, or a sentence that says why gdb's answers are missing or incomplete."""
    import subprocess  # only now: most runs know all their names

    # auto-load off: a file's .debug_gdb_scripts is code of a stranger
    command = [gdb, *gdb_program.WORDS, "-iex", "set auto-load no", "-x", SCRIPTS[0]]
    try:
        with open(os.path.join(folder, "said"), "w+b") as said:
            done = subprocess.run(
                command,
                cwd=folder,
                env=gdb_program.ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                timeout=timeout,
                start_new_session=True,  # Ctrl-C is for the parent to handle
                preexec_fn=_end_with_parent(),
                check=False,
            )
            return None if done.returncode == 0 else _complaint(done.returncode, said)
    except subprocess.TimeoutExpired:
        return _TOOK + " %g s to read debug information and was stopped" % timeout
    except OSError as error:
        return "gdb cannot be run for symbols: %s" % (error.strerror or error)


def _end_with_parent() -> Callable[[], object]:
    """For the child before its exec: when the parent is killed, gdb is not left behind."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _complaint(status: int, said: IO[bytes]) -> str:
    """What gdb said last, in one line."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - 200))
    last = said.read().decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
    return "gdb ended with status %d while reading symbols: %s" % (status, last)


def _lines(path: str) -> Iterator[bytes]:
    """Yield the lines of the file, which may not be there, up to _MAX_ANSWER bytes in all."""
    left = _MAX_ANSWER
    try:
        with open(path, "rb") as file:
            while line := file.readline(left):
                left -= len(line)
                yield line
    except OSError:
        return


def _answers(path: str, requests: Requests) -> tuple[dict[int, Answers], list[str]]:
    found: dict[int, Answers] = {}
    errors: list[str] = []
    for line in _lines(path):
        try:
            row = json.loads(line)
            answers = {int(offset): answer for offset, answer in row["found"].items()}
            if row.get("error"):
                errors.append("%r: %s" % (requests[row["module"]][0], row["error"]))
            found[row["module"]] = answers
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            continue  # the line that a crash cut off
    return found, errors
