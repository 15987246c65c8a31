"""`brkpoint check`: run a program and judge its budget. The language: alloctrace/budget/."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile

from alloctrace.budget import judge, language, rewrite, scopes
from alloctrace.escape import visible
from reports import check_machines, check_text, check_words, ink

from start.errors import USAGE, UserError, shown
from . import check_files, check_news, check_runs, main, report
from .check_files import FILE
from .traces import naming_errors, open_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from contextlib import ExitStack
    from typing import Any

    from alloctrace.budget.language import Budget
    from alloctrace.budget.scopes import Run

NAME = "check"
HELP = "check a program against its budget of allocations"
USAGE_LINE = "brkpoint check [OPTION...] [-- PROGRAM ARG...]"
FIRST_RUNS = 3

EPILOG = """\
A budget is a line: PHASE ORIGIN [SCOPE] METRIC = N or <= N. A scope: in
FUNCTION, in region NAME, for "PURPOSE", thread NAME, program NAME.

  run ./a.out --small
  runs 3                          noise only adds: the least of three counts
  main user calls = 0
  init runtime:C++ bytes <= 72 KiB
  all any peak <= 1.2 MiB +5%

Status 0: all rules kept, 1: one is broken, 2: one cannot be judged, or wrong
usage. See docs/ci.md.
"""


def configure(parser: ArgumentParser) -> None:
    parser.usage = USAGE_LINE
    add = parser.add_argument
    add("-f", metavar="FILE", dest="file", help="the budget (%s, here or in a parent)" % FILE)
    add(
        "--budget",
        action="append",
        default=[],
        metavar="RULE",
        help="one line of a budget; may be repeated; without -f no file is read",
    )
    add(
        "--trace",
        action="append",
        default=[],
        metavar="TRACE",
        help="check this recorded run instead of running the program; may be repeated",
    )
    add("--base", metavar="TRACE", help="an earlier run: places that it lacks are marked as new")
    add(
        "-o", metavar="TRACE", dest="output", help="keep the trace of the run with the fewest calls"
    )
    add("--force", action="store_true", help="overwrite an existing TRACE of -o")
    add(
        "--strict",
        action="store_true",
        help="also fail if a count is below what a rule with = says",
    )
    add(
        "--update",
        action="store_true",
        help="run the program twice; if both runs agree, write their numbers into the file",
    )
    add("--init", action="store_true", help="write a first budget for PROGRAM into the file")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    form.add_argument(
        "--github",
        action="store_true",
        help="print annotations and a step summary; the default if GITHUB_ACTIONS is set",
    )
    add("--junit", metavar="XML", help="write JUnit XML to this file as well")


def parse(parser: ArgumentParser, typed: list[str]) -> Namespace:
    """What stands behind `--` is the program."""
    at = typed.index("--") if "--" in typed else len(typed)
    args = parser.parse_args(typed[:at])
    args.command = typed[at + 1 :]
    return args


def invoke(args: Namespace) -> int:
    try:
        with contextlib.ExitStack() as stack:
            status = _Check(args, stack).status()
        return status
    except UserError as error:
        main.say(str(error))
        return USAGE


class _Check:
    def __init__(self, args: Namespace, stack: ExitStack) -> None:
        self._args, self._stack = args, stack
        self._place = stack.enter_context(tempfile.TemporaryDirectory(prefix="brkpoint-check-"))
        self._path: str | None = args.file
        if not (args.file or args.budget or args.init):
            self._path = check_files.upwards(os.getcwd())
        self._text = check_files.read(self._path) if self._path and not args.init else ""
        self._budget = self._read_budget()

    def _read_budget(self) -> Budget:
        budget = language.Budget()
        try:
            if self._text:
                language.read(self._text, os.path.relpath(self._path or ""), budget)
            for number, text in enumerate(self._args.budget, 1):
                budget.add(text, "--budget", number)
        except language.BudgetError as error:
            raise UserError(shown(str(error)), USAGE) from None
        return budget

    def status(self) -> int:
        args = self._args
        if args.output and os.path.lexists(args.output) and not args.force:
            raise UserError("%s exists; --force overwrites it" % shown(args.output), USAGE)
        if args.init:
            return self._init()
        if args.update and (args.trace or not self._path):
            raise UserError("--update needs a file, and runs the program", USAGE)
        if not self._budget.rules:
            raise UserError(
                "no rule: write %s, or give --budget 'main user calls = 0'" % FILE, USAGE
            )
        traces = self._traces()
        told = self._judged(traces)
        if args.update:
            return self._update(told)
        self._tell(told[1])
        return int(told[1]["status"])

    # running

    def _words(self) -> tuple[list[str], str]:
        """The program and the folder to run it in: that of the budget which names it."""
        if self._args.command:
            return self._args.command, os.getcwd()
        if self._budget.run is None:
            raise UserError("which program? a line `run PROGRAM`, or `-- PROGRAM`", USAGE)
        folder = os.path.dirname(os.path.abspath(self._path)) if self._path else os.getcwd()
        return self._budget.run, folder

    def _traces(self, runs: int | None = None, name: str = "first") -> list[str]:
        if self._args.trace:
            given: list[str] = self._args.trace
            return given
        words, folder = self._words()
        place = os.path.join(self._place, name)
        os.mkdir(place)
        return check_runs.record(words, runs or self._budget.runs, folder, place, name != "first")

    def _opened(self, paths: list[str]) -> list[Run]:
        found = []
        for path in paths:
            trace = self._stack.enter_context(open_trace(path))
            with naming_errors(path):
                found.append(scopes.Run(trace))
        return found

    # judging

    def _judged(self, traces: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """(verdicts, what is told of them)."""
        runs = self._opened(traces)
        verdicts = judge.judge(self._budget, runs, self._args.strict)
        least = min(runs, key=_events)
        is_broken = any(verdict["state"] == judge.BROKEN for verdict in verdicts)
        kept = self._keep(least, is_broken and not self._args.update)
        if self._args.base:
            base = self._opened([self._args.base])[0]
            check_news.mark(verdicts, base)
        told = check_words.plain(
            verdicts,
            {
                "command": shlex.join(str(word) for word in least.run.get("command") or ()),
                "runs": len(runs),
                "engine": str(least.run.get("engine") or ""),
                "trace": kept,
                "see": _commands(kept, self._args.base, verdicts),
            },
        )
        return verdicts, told

    def _keep(self, run: Run, is_broken: bool) -> str | None:
        """The trace, where it is wanted: by -o, or to look at what broke a rule."""
        path: str = run.trace.path
        target: str | None = self._args.output
        if self._args.trace:
            return path
        if target is None and not is_broken:
            return None
        if target is None:
            name = os.path.basename(str(run.run.get("program") or "program"))
            target = "%s.%s.brkpoint" % (name, run.run.get("pid"))
        try:
            shutil.copyfile(path, target)
        except OSError as error:
            raise UserError(
                "cannot write %s: %s" % (shown(target), error.strerror), USAGE
            ) from None
        return target

    # telling

    def _tell(self, told: dict[str, Any]) -> None:
        args = self._args
        is_github = args.github or bool(os.environ.get("GITHUB_ACTIONS")) and not args.json
        if args.junit:
            report.write(check_machines.junit(told), args.junit)
        if args.json:
            report.write(json.dumps(told, indent=1, sort_keys=True) + "\n", None)
            return
        report.write(check_text.render(told, ink.of_stream(sys.stdout)), None)
        if is_github:
            for line in check_machines.for_github(told, _in_repository):
                report.write(line + "\n", None)
            _append_summary(check_machines.step_summary(told))

    # writing budgets

    def _update(self, told: tuple[list[dict[str, Any]], dict[str, Any]]) -> int:
        """New numbers, where a second judging of new runs has the same."""
        verdicts, _ = told
        again, _ = self._judged(self._traces(name="second"))
        values = [[v["value"] for v in of] for of in (verdicts, again)]
        if values[0] != values[1]:
            differ = [v["rule"].text.strip() for v, a, b in zip(verdicts, *values) if a != b]
            text = "nothing written: a second time these came out otherwise: %s"
            raise UserError(text % shown("; ".join(differ)), USAGE)
        unjudged = [v for v in verdicts if v["state"] == judge.UNJUDGED]
        if unjudged:
            raise UserError("nothing written: %s" % visible(unjudged[0]["why"]), USAGE)
        mine = [v for v in verdicts if v["rule"].source != "--budget"]
        text, changes = rewrite.updated(self._text, mine)
        if changes and self._path:
            check_files.write(self._path, text)
        for rule, old, new in changes:
            print("%s:%d: %s: %s → %s" % (shown(rule.source), rule.line, rule.name, old, new))
        if not changes:
            print("nothing to update: every number is as it was")
        return 0

    def _init(self) -> int:
        path = self._args.file or FILE
        if os.path.lexists(path):
            raise UserError("%s exists; --update renews its numbers" % shown(path), USAGE)
        if not self._args.command:
            raise UserError("which program? brkpoint check --init -- PROGRAM ARG...", USAGE)
        runs = self._opened(self._traces(FIRST_RUNS, "init"))
        for run in runs:
            if run.weak or run.ended != ("exited", 0):
                why = "; ".join(run.weak) or _NOT_ZERO + judge.ended(*run.ended)
                raise UserError("no budget written: %s%s" % (shown(why), _WAY_ON), USAGE)
        check_files.write(path, rewrite.first(shlex.join(self._args.command), runs))
        print("%s: a first budget, from %d runs" % (shown(path), len(runs)))
        return 0


_NOT_ZERO = "the program did not end with status 0: "
_WAY_ON = " (a budget written by hand may expect another one by a line `status N`)"


def _events(run: Run) -> int:
    return sum(group.count for group in run.groups)


def _commands(trace: str | None, base: str | None, verdicts: list[dict[str, Any]]) -> list[str]:
    if trace is None:
        return []
    if base:
        return ["brkpoint diff %s %s" % (shlex.quote(base), shlex.quote(trace))]
    broken = next((v["rule"] for v in verdicts if v["state"] == judge.BROKEN), None)
    if broken is None:
        return ["brkpoint report %s" % shlex.quote(trace)]
    chosen = ["--phase %s" % broken.phase] if broken.phase != "all" else []
    chosen += ["--origin %s" % broken.origin] if broken.origin != "any" else []
    return ["brkpoint events %s" % " ".join([shlex.quote(trace), *chosen])]


def _in_repository(path: str) -> str | None:
    """The path from the top of the repository, where it lies in it; else None."""
    top = os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
    inside = os.path.relpath(os.path.abspath(path), top)
    return None if inside.startswith("..") or not os.path.exists(path) else inside


def _append_summary(text: str) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with contextlib.suppress(OSError), open(path, "a", encoding="utf-8") as file:
            file.write(text)
