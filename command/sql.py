"""`brkpoint sql`: a query over a recorded run; it can only read. Needs no gdb."""

from __future__ import annotations

import json
import os
import sys

from alloctrace import trace_sql
from alloctrace.escape import visible
from command.errors import USAGE, UserError
from command.traces import naming_errors, newest, open_trace

NAME = "sql"
HELP = "ask a recorded run anything that SQL can say"


def configure(parser):
    parser.add_argument(
        "words", nargs="*", metavar="[TRACE] QUERY", help="without TRACE: the newest here"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--tables", action="store_true", help="list the tables and their columns")
    parser.add_argument(
        "--timeout",
        type=float,
        default=trace_sql.TIMEOUT,
        metavar="S",
        help="give up after S seconds",
    )


def invoke(args):
    if args.tables:
        return _show_tables()
    if len(args.words) not in (1, 2):
        raise UserError("sql takes a query, and a trace before it: sql TRACE 'select …'", USAGE)
    path = args.words[0] if len(args.words) == 2 else newest(os.curdir)
    with open_trace(path) as recorded, naming_errors(path):
        tell = _progress(recorded.run.get("events")) if sys.stderr.isatty() else None
        with trace_sql.Query(recorded, args.timeout, tell) as query:
            for line in render(query, args.words[-1], args.json):
                sys.stdout.write(line)
    sys.stdout.flush()
    return 0


def _progress(total):
    """Says how far the reading of many events is, on one line that goes when it is done."""

    def tell(count):
        last = not total or count + 65536 * 2 > total
        words = "reading events: %d of %s" % (count, total)
        sys.stderr.write("\r" + (" " * len(words) + "\r" if last else words))
        sys.stderr.flush()

    return tell


def render(query, text, as_json):
    """Yield the lines of the answer, each with its newline."""
    try:
        names, rows = query.run(text)
        if not as_json:
            yield _tabbed(names)
        for row in rows:
            yield _object(names, row) if as_json else _tabbed(row)
    except trace_sql.QueryError as error:
        raise UserError("sql: %s" % visible(str(error)), USAGE) from None


def _tabbed(values):
    return "\t".join("" if value is None else visible(str(value)) for value in values) + "\n"


def _object(names, row):
    return json.dumps(dict(zip(names, row)), separators=(",", ":")) + "\n"


def _show_tables():
    for name, columns in sorted(trace_sql.tables().items()):
        sys.stdout.write("%s: %s\n" % (name, ", ".join(columns)))
    return 0
