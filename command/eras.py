"""`brkpoint eras`: the same programs under other releases of Debian, side by side."""

from __future__ import annotations

import json
import shlex
import sys
import time

from alloctrace.escape import visible
from eras import cell as eras_cell, plan as eras_plan, comparison, roots, toolchains
from reports import ink
from reports.eras import markdown, page, text
from start import page_file
from start.errors import FAILED, USAGE, UserError

from . import conclude, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from eras.plan import Cell, Plan

    Toolchains = dict[str, str]  # {name: folder}

NAME = "eras"
HELP = "show the same programs under other libcs and compilers"
ACTIONS = ("prepare", "cells", "run", "report", "add-rust", "clean")
EPILOG = """\
  brkpoint eras prepare [ERA...]       make root file systems from Debian's
                                       packages (takes minutes, once)
  brkpoint eras cells [--commands]     list the runs: eras × targets ×
                                       compilers
  brkpoint eras run [ERA/TARGET...]    build and watch targets in their eras;
                                       `make eras` does all
  brkpoint eras [report] [--json | --markdown | --html FILE]
  brkpoint eras add-rust RUSTC [NAME]  add a Rust compiler of your own
  brkpoint eras clean                  delete roots and results

docs/eras.md says more, and how several machines can share the cells.
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=ACTIONS, nargs="?", default="report", help="what to do: see below"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="eras, targets, or ERA/TARGET")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="report: one JSON object, for scripts")
    form.add_argument("--markdown", action="store_true", help="report: a page of Markdown")
    form.add_argument("--html", metavar="FILE", help="report: write it as a page to FILE")
    parser.add_argument("-o", metavar="FILE", dest="output", help="report: write to FILE")
    parser.add_argument("--width", type=int, metavar="N", help="report: columns, 80 to 120 (text)")
    parser.add_argument(
        "--commands", action="store_true", help="cells: one command per line, for GNU parallel"
    )


def parse(parser: ArgumentParser, words: list[str]) -> Namespace:
    """Options may stand before the names."""
    return parser.parse_intermixed_args(words)


def invoke(args: Namespace) -> int:
    known = toolchains.all_of()
    try:
        plan = eras_plan.read(known)
        with conclude.ending_in_order():
            return _ACTIONS[args.action](args, plan, known)
    except (eras_plan.PlanError, toolchains.ToolchainError) as error:
        raise UserError(visible(str(error)), USAGE) from None
    except roots.RootError as error:
        raise UserError(visible(str(error))) from None


def _prepare(args: Namespace, plan: Plan, known: Toolchains) -> int:
    """Make the roots; one that cannot be had is told, and the others are made."""
    eras = [plan.era(name) for name in args.names] or plan.eras
    failed = 0
    for era in eras:
        if era.suite is None:
            continue
        try:
            if not roots.prepare(era, _say):
                _say("%s: there already" % era.name)
        except roots.RootError as error:
            failed += 1
            _say("%s is left out: %s" % (era.name, visible(str(error))))
    return FAILED if failed == len(eras) else 0


def _cells(args: Namespace, plan: Plan, known: Toolchains) -> int:
    for cell in plan.chosen(args.names):
        print(command_of(cell) if args.commands else cell.name)
    return 0


def command_of(cell: Cell) -> str:
    """What runs one cell, in the folder that holds the product."""
    return "./brkpoint eras run %s" % shlex.quote(cell.name)


def _run(args: Namespace, plan: Plan, known: Toolchains) -> int:
    """Run cells one after the other; what is wrong in one stays in it."""
    chosen, failed = plan.chosen(args.names), 0
    for number, cell in enumerate(chosen, 1):
        told = eras_cell.run(cell, known.get(cell.compiler or ""))
        failed += told["state"] == eras_cell.FAILED
        count = "%*d of %d: " % (len(str(len(chosen))), number, len(chosen))
        why = ": " + visible(told["why"]) if told.get("why") else ""
        where = count if len(chosen) > 1 else ""
        _say("%s%s %s, %.1f s%s" % (where, cell.name, told["state"], told["took_s"], why))
    return 1 if failed else 0


def _report(args: Namespace, plan: Plan, known: Toolchains) -> int:
    _takes_no_names(args)
    read = ((cell.name, eras_cell.read(cell)) for cell in plan.cells)
    results = {name: told for name, told in read if told}
    if not results:
        raise UserError("no cell was run yet: brkpoint eras prepare, then brkpoint eras run")
    found = comparison.of(plan, results, time.strftime("%Y-%m-%d %H:%M:%S %z"))
    if args.html is not None:
        page_file.write(args.html, page.render(found))
        return 0
    return report.write(_rendered(args, found), args.output)


def _rendered(args: Namespace, found: dict[str, Any]) -> str:
    if args.json:
        return json.dumps(found, indent=1, sort_keys=True) + "\n"
    if args.markdown:
        return markdown.render(found)
    look = ink.of_stream(sys.stdout) if args.output is None else ink.Ink(unicode=True)
    return text.render(found, ink.Ink(args.width or look.width, look.colour, look.unicode))


def _add_rust(args: Namespace, plan: Plan, known: Toolchains) -> int:
    if not 1 <= len(args.names) <= 2:
        raise UserError("which compiler? brkpoint eras add-rust RUSTC [NAME]", USAGE)
    for name in args.names[1:]:
        plan.check_new(name)
    name = toolchains.add(*args.names)
    _say("%s is in the table: brkpoint eras run %s" % (visible(name), visible(name)))
    return 0


def _clean(args: Namespace, plan: Plan, known: Toolchains) -> int:
    _takes_no_names(args)
    roots.delete_all()
    return 0


def _takes_no_names(args: Namespace) -> None:
    """Who says a name means that part alone."""
    if args.names:
        raise UserError("eras %s takes no names: it works on everything" % args.action, USAGE)


_ACTIONS = {
    "prepare": _prepare,
    "cells": _cells,
    "run": _run,
    "report": _report,
    "add-rust": _add_rust,
    "clean": _clean,
}


def _say(words: str) -> None:
    sys.stderr.write("brkpoint: %s\n" % words)
    sys.stderr.flush()
