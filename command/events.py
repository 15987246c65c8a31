"""`brkpoint events`: what happened, event by event, as text or JSON lines. Needs no gdb."""

from __future__ import annotations

import itertools
import os
import shutil
import sys

from alloctrace import words
from alloctrace.measure import origin, purpose
from alloctrace.trace.where import Where
from command.traces import naming_errors, newest, open_trace
from reports import event_json, event_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator
    from typing import Any

    from alloctrace.model import Event, Group
    from alloctrace.trace.read import Trace

NAME = "events"
HELP = "list the events of a recorded run, one per line, as text or JSON"

NAMES = words.ENTRY_POINTS + words.SYSCALL_NAMES


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    parser.add_argument(
        "--json", action="store_true", help="a header line, then one JSON object per event"
    )
    _add_choice(parser, "--origin", words.ORIGINS, "asked for by")
    _add_choice(parser, "--phase", words.PHASES, "in this phase")
    _add_choice(parser, "--name", NAMES, "of this function or syscall")
    _add_choice(parser, "--kind", ("call", "syscall"), "allocator calls or memory syscalls")
    more: dict[str, Any] = {"action": "append", "type": int, "metavar": "PID"}
    parser.add_argument("--pid", help="only those of this process; may be repeated", **more)
    parser.add_argument("--min-size", type=int, metavar="N", help="only those of at least N bytes")
    parser.add_argument("--max-size", type=int, metavar="N", help="only those of at most N bytes")
    parser.add_argument("--purpose", metavar="TEXT", help="only those whose purpose contains TEXT")
    parser.add_argument(
        "--seq", type=_numbers, metavar="N,N-N", help="only those with these numbers"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="stop after N events")
    stacks = "call stacks in the JSON (default: full)"
    parser.add_argument("--stacks", choices=event_json.STACKS, default="full", help=stacks)


def _numbers(text: str) -> list[tuple[int, int]]:
    """`3,5-7` as [(3, 3), (5, 7)], for argparse."""
    pairs = [part.split("-") for part in text.split(",")]
    found = [(int(pair[0]), int(pair[-1])) for pair in pairs if len(pair) < 3]
    if len(found) < len(pairs):
        raise ValueError
    return found


_numbers.__name__ = "list of numbers"  # argparse names the type in its message


def _add_choice(parser: ArgumentParser, option: str, choices: tuple[str, ...], text: str) -> None:
    more: dict[str, Any] = {"action": "append", "choices": choices, "metavar": option[2:].upper()}
    parser.add_argument(option, help="only those %s; may be repeated" % text, **more)


def invoke(args: Namespace) -> int:
    path = args.trace or newest(os.curdir)
    with open_trace(path) as opened, naming_errors(path):
        for line in render(args, opened):
            sys.stdout.write(line)
        sys.stdout.flush()
    return 0


def render(args: Namespace, opened: Trace) -> Iterator[str]:
    """Yield the lines, each with its newline."""
    where = Where(args.seq, args.min_size, args.max_size)
    events = opened.events(_group_filter(args), where)
    if args.limit is not None:
        events = itertools.islice(events, max(0, args.limit))
    if args.json:
        yield from event_json.lines(opened, events, args.stacks)
        return
    several_threads = bool(opened.run.get("threads"))
    for line in event_lines.lines(events, _width(), several_threads):
        yield line + "\n"


def _width() -> int | None:
    """Lines end where the terminal does; in a file or pipe they are whole."""
    if not sys.stdout.isatty():
        return None
    return max(event_lines.NARROWEST, shutil.get_terminal_size().columns)


def _group_filter(args: Namespace) -> Callable[[Group], bool] | None:
    """A function that says whether events of a group are wanted; None: all are."""
    tests = []
    for values, value_of in (
        (args.origin, origin),
        (args.phase, lambda group: group.phase),
        (args.name, lambda group: group.name),
        (args.kind, lambda group: group.kind),
        (args.pid, lambda group: group.pid),
    ):
        if values:
            tests.append(_is_among(frozenset(values), value_of))
    if args.purpose is not None:
        wanted = args.purpose.casefold()
        tests.append(lambda group: wanted in (purpose(group) or "").casefold())
    return (lambda group: all(test(group) for test in tests)) if tests else None


def _is_among(
    values: frozenset[object], of: Callable[[Group | Event], object]
) -> Callable[[Group | Event], bool]:
    return lambda group: of(group) in values
