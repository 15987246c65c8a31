"""Running one program of the article: brkpoint, and the tools that the article typed.

Each run is bounded in time. A tool that is missing or fails leaves its own answer empty and says
why; only a program that brkpoint cannot record is left out.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from alloctrace.summary import chosen
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from article import designs_runs as measuring, facts as article_facts, files as article_files
from reports import witnesses as page
from reports.page import document
from start import page_file, scripts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alloctrace.trace.read import Trace
    from article.words import Fact, Facts

LIMIT_S = 60  # for one run of one program
# The programs with a page of their own: what strace, ltrace, gdb and /proc/PID/maps see of them.
SIDE_BY_SIDE = ("success_asm", "success", "alloc", "empty", "empty.small", "vec", "vec_fn", "stack")
# What the article typed: {program: words before the program}. All are also counted by strace.
LTRACED = {
    "empty": ((), ("-x", "malloc")),
    "vec": ((), ("-x", "malloc"), ("-x", "malloc+realloc")),
    "alloc": ((), ("-x", "malloc+free@*")),
    "alloc.no-plt": ((),),
}
LOOKED_AT = {"success": ("file", "ldd"), "empty": ("file", "ldd"), "success_asm": ("file", "ldd")}
DISASSEMBLED = ("empty.stripped",)
PATH_LENGTH = 300  # of the copy that shows what a long path costs


class RunError(Exception):
    """brkpoint could not record one of the programs. One line."""


def folders(name: str, traces: str) -> tuple[str, str]:
    """Where the trace of a program and its page lie."""
    return os.path.join(traces, name + ".brkpoint"), os.path.join(traces, name + ".md")


def run(name: str, command: list[str], traces: str, wanted: Iterable[str]) -> Fact:
    """The facts of one program. `wanted`: names of functions that libraries are asked for.

    Raises RunError.
    """
    file = article_files.facts(command[-1])
    if "error" in file:
        raise RunError(file["error"])
    command, variables = _started(name, command, traces)
    path, beside = folders(name, traces)
    comparison = None
    if os.path.exists(path):
        os.unlink(path)
    if name in SIDE_BY_SIDE:
        comparison = _side_by_side(command, path, beside)
    if not os.path.exists(path):
        _record(command, path, variables)
    facts = _facts(name, path, wanted)
    facts.update(file=file, typed=_typed(name, command), variables=variables)
    facts["repeat"] = " ".join(["%s=%s" % item for item in variables.items()] + _words(command))
    facts.update(trace=os.path.relpath(path), path_length=len(os.path.abspath(command[-1])))
    facts["witnesses"] = comparison
    return facts


def designs(commands: Mapping[str, list[str]], traces: str) -> Facts:
    """{"evaluator": the three designs compared, and each program's facts}."""
    measured = measuring.measure(
        {name: [os.path.abspath(words[0])] for name, words in commands.items()}, traces
    )
    found = {"evaluator": {"name": "evaluator", "designs": measured, "repeat": measured["repeat"]}}
    for name, command in commands.items():
        path, _ = folders(name, traces)
        found[name] = dict(_facts(name, path, ()), trace=os.path.relpath(path), typed={})
        found[name]["repeat"] = " ".join(_words(command))
    return found


def _words(command: Iterable[str]) -> list[str]:
    return ["./brkpoint", *map(shlex.quote, command)]


def _started(name: str, command: list[str], traces: str) -> tuple[list[str], dict[str, str]]:
    """(command, variables to set) of the two ways that are made here."""
    if name == "success.library-path":
        return command, {"LD_LIBRARY_PATH": "/nowhere/one:/nowhere/two"}
    if name == "empty.long-path":
        return [_copied(command[-1], traces)], {}
    return command, {}


def _copied(path: str, traces: str) -> str:
    """A copy of a program under a path of some PATH_LENGTH letters."""
    folder = os.path.relpath(os.path.join(traces, "long-path"))
    while len(os.path.abspath(folder)) < PATH_LENGTH:
        folder = os.path.join(folder, "a-folder-with-a-name-of-forty-letters-ok")
    os.makedirs(folder, exist_ok=True)
    return str(shutil.copy2(path, folder))


def _facts(name: str, path: str, wanted: Iterable[str]) -> Fact:
    try:
        opened = trace.open(path)
    except trace.TraceError as error:
        raise RunError(str(error)) from None
    with opened:
        facts = article_facts.facts(name, opened, summarise(opened))
        facts["explained"] = _explained(opened, path)
        loaders = [module.path for module in opened.modules if module.role == "loader"]
    for library in facts["libraries"]:
        library.update(_mapped(library["path"], wanted))
    facts["loader_exports"] = [_mapped(path, ("malloc",)) for path in loaders]
    return facts


def _explained(opened: Trace, path: str) -> str:
    """The name of the page that explains the run, written beside its trace."""
    made = page_file.beside(path)
    summary = summarise(opened, process=chosen.ASKED)
    page_file.write(made, document.render(summary, opened))
    return os.path.basename(made)


def _mapped(path: str, wanted: Iterable[str]) -> Fact:
    found = article_files.mapped(path)
    if "functions" in found:
        found["defines"] = sorted(set(wanted) & found.pop("functions"))
    return found


def _record(command: list[str], path: str, variables: Mapping[str, str]) -> None:
    words = [sys.executable, os.path.join(scripts.TOP, "brkpoint"), "run", "-o", path, "--force"]
    words += ["--engine", "breakpoints"]
    words += ["--quiet", "--timeout", str(LIMIT_S), *command]
    done = subprocess.run(
        words,
        env=dict(os.environ, **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunError(said[-1] if said else "it ended with status %d" % done.returncode)


def _side_by_side(command: list[str], path: str, beside: str) -> Fact:
    """Run all witnesses; brkpoint's trace of this run stays, and the page beside it."""
    scripts.find()
    from brkpoint_trace import watch  # type: ignore[import]  # found by scripts.find alone

    comparison = watch.watch(command, LIMIT_S, lambda name: None, keep=path)
    with open(beside, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(page.to_markdown(comparison, every=True))
    return {
        "page": os.path.basename(beside),
        "verdict": page.verdict(comparison),
        "sound": page.is_sound(comparison),
        "unexplained": comparison["unexplained"],
        "explained": sum(row["count"] for row in comparison["differences"] if row["explained"]),
        "saw": page.run_rows(comparison),
        "maps": {name: comparison["maps"].get(name) for name in ("start", "end")},
    }


def _typed(name: str, command: list[str]) -> Facts:
    """{what the article typed: what it printed here}; see brkpoint_trace/as_typed.py."""
    scripts.find()
    from brkpoint_trace import as_typed

    found = {"strace": as_typed.strace(command, LIMIT_S)}
    for flags in LTRACED.get(name, ()):
        found[" ".join(("ltrace", *flags))] = as_typed.ltrace(command, LIMIT_S, *flags)
    for tool in LOOKED_AT.get(name, ()):
        found[tool] = as_typed.prints([tool, command[-1]], LIMIT_S)
    if name in DISASSEMBLED:
        found["objdump"] = as_typed.disassembled(command[-1], LIMIT_S)
    return found
