"""`brkpoint sql`: a query over a recorded run; it can only read. Needs no gdb."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import threading

from alloctrace.escape import visible
from alloctrace.trace import sql as trace_sql
from command import main, progress
from command.traces import naming_errors, newest, open_trace
from start import seconds
from start.errors import USAGE, UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from alloctrace.trace.sql import Query

NAME = "sql"
HELP = "query a recorded run with SQL"
_GRACE = 1  # seconds for SQLite to stop by itself


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="[TRACE] QUERY", help="without TRACE: the newest here"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--tables", action="store_true", help="list the tables and their columns")
    parser.add_argument(
        "--timeout",
        type=seconds.below(1e6, least=0),
        default=trace_sql.TIMEOUT,
        metavar="S",
        help="give up after S seconds",
    )


def parse(parser: ArgumentParser, words: list[str]) -> Namespace | None:
    return parser.parse_intermixed_args(words)  # options may stand behind TRACE


def invoke(args: Namespace) -> int | None:
    if args.tables:
        return _show_tables()
    if len(args.words) not in (1, 2):
        raise UserError("sql takes a query, and a trace before it: sql TRACE 'select …'", USAGE)
    path = args.words[0] if len(args.words) == 2 else newest(os.curdir)
    with _can_be_ended(args.timeout), open_trace(path) as opened, naming_errors(path):
        tell = progress.reading(opened.run.get("events")) if sys.stderr.isatty() else None
        with _complaining(), trace_sql.Query(opened, args.timeout, tell) as query:
            for line in render(query, args.words[-1], args.json):
                sys.stdout.write(line)
    sys.stdout.flush()
    return 0


@contextlib.contextmanager
def _can_be_ended(timeout: float) -> Iterator[None]:
    """A single function of SQLite may take minutes, in which Python hears of no signal and no
    clock: Ctrl-C ends the process at once, and a thread ends it when the time is over."""
    watchdog = threading.Timer(timeout + _GRACE, _give_up)
    watchdog.daemon = True
    watchdog.start()
    before = signal.getsignal(signal.SIGINT)
    if before == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        watchdog.cancel()
        signal.signal(signal.SIGINT, before)


def _give_up() -> None:
    main.say("sql: %s" % trace_sql.TOO_LONG)
    os._exit(USAGE)


@contextlib.contextmanager
def _complaining() -> Iterator[None]:
    """What is wrong with a query is one line for people."""
    try:
        yield
    except trace_sql.QueryError as error:
        raise UserError("sql: %s" % visible(str(error)), USAGE) from None


def render(query: Query, text: str, as_json: bool) -> Iterator[str]:
    """Yield the lines of the answer, each with its newline."""
    names, rows = query.run(text)
    if not as_json:
        yield _tabbed(names)
    for row in rows:
        yield _object(names, row) if as_json else _tabbed(row)


def _tabbed(values: Sequence[float | str | None]) -> str:
    return "\t".join("" if value is None else visible(str(value)) for value in values) + "\n"


def _object(names: list[str], row: tuple[float | str | None, ...]) -> str:
    pairs = zip(_told_apart(names), row)
    return "{%s}\n" % ",".join("%s:%s" % (json.dumps(name), _value(v)) for name, v in pairs)


def _value(value: float | str | None) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"  # as SQLite writes it: JSON has no word for it
    return json.dumps(value)


def _told_apart(names: list[str]) -> list[str]:
    """The second `b` is `b:1`, as SQLite names it where it has to tell them apart itself."""
    found: dict[str, int] = {}
    for name in names:
        made = name
        while made in found:
            found[name] += 1
            made = "%s:%d" % (name, found[name])
        found[made] = 0
    return list(found)


def _show_tables() -> int:
    import textwrap  # only now: few ask for them

    from reports import ink

    look = ink.of_stream(sys.stdout)
    for name, columns in sorted(trace_sql.tables().items()):
        line = "%s: %s" % (name, ", ".join(columns))
        print(textwrap.fill(line, look.width, subsequent_indent="    "))
    return 0
