"""`brkpoint events`: what happened, event by event, as text or JSON lines. Needs no gdb."""

from __future__ import annotations

import itertools
import os
import shutil
import sys

from alloctrace import words
from alloctrace.measure import bytes_asked, origin, purpose
from command.traces import naming_errors, newest, open_trace
from reports import event_json, event_lines

NAME = "events"
HELP = "list the events of a recorded run, one a line, as text or JSON"

NAMES = words.ENTRY_POINTS + tuple(words.MEMORY_SYSCALLS.values())


def configure(parser):
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    parser.add_argument(
        "--json", action="store_true", help="a header line, then a JSON object each"
    )
    _add_choice(parser, "--origin", words.ORIGINS, "asked for by")
    _add_choice(parser, "--phase", words.PHASES, "in this phase")
    _add_choice(parser, "--name", NAMES, "of this function or syscall")
    _add_choice(parser, "--kind", ("call", "syscall"), "allocator calls or memory syscalls")
    parser.add_argument("--min-size", type=int, metavar="N", help="of at least N bytes")
    parser.add_argument("--max-size", type=int, metavar="N", help="of at most N bytes")
    parser.add_argument("--purpose", metavar="TEXT", help="whose purpose contains TEXT")
    parser.add_argument("--seq", type=_numbers, metavar="N,N-N", help="of these numbers")
    parser.add_argument("--limit", type=int, metavar="N", help="stop after N events")
    stacks = "call stacks in the JSON (default: full)"
    parser.add_argument("--stacks", choices=event_json.STACKS, default="full", help=stacks)


def _numbers(text):
    """`3,5-7` as [(3, 3), (5, 7)], for argparse."""
    pairs = [part.split("-") for part in text.split(",")]
    found = [(int(pair[0]), int(pair[-1])) for pair in pairs if len(pair) < 3]
    if len(found) < len(pairs):
        raise ValueError
    return found


_numbers.__name__ = "list of numbers"  # argparse names the type in its message


def _add_choice(parser, option, choices, text):
    more = {"action": "append", "choices": choices, "metavar": option[2:].upper()}
    parser.add_argument(option, help="only those %s; may be repeated" % text, **more)


def invoke(args):
    path = args.trace or newest(os.curdir)
    with open_trace(path) as recorded, naming_errors(path):
        for line in render(args, recorded):
            sys.stdout.write(line)
        sys.stdout.flush()
    return 0


def render(args, recorded):
    """Yield the lines, each with its newline."""
    events = filter(_filter(args), recorded.events())
    if args.limit is not None:
        events = itertools.islice(events, max(0, args.limit))
    if args.json:
        yield from event_json.lines(recorded, events, args.stacks)
        return
    several_threads = bool(recorded.run.get("threads"))
    for line in event_lines.lines(events, _width(), several_threads):
        yield line + "\n"


def _width():
    """Lines end where the terminal does; in a file or pipe they are whole."""
    if not sys.stdout.isatty():
        return None
    return max(event_lines.NARROWEST, shutil.get_terminal_size().columns)


def _filter(args):
    """A function that says whether an event is wanted: all options must agree."""
    tests = []
    for values, value_of in (
        (args.origin, origin),
        (args.phase, lambda event: event.phase),
        (args.name, lambda event: event.name),
        (args.kind, lambda event: event.kind),
    ):
        if values:
            tests.append(lambda event, v=frozenset(values), of=value_of: of(event) in v)
    if args.min_size is not None:
        tests.append(lambda event: event.size is not None and bytes_asked(event) >= args.min_size)
    if args.max_size is not None:
        tests.append(lambda event: event.size is not None and bytes_asked(event) <= args.max_size)
    if args.seq is not None:
        tests.append(lambda event: any(low <= event.seq <= high for low, high in args.seq))
    if args.purpose is not None:
        wanted = args.purpose.casefold()
        tests.append(lambda event: wanted in (purpose(event) or "").casefold())
    return lambda event: all(test(event) for test in tests)
