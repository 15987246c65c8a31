"""Comma-separated values, RFC 4180: a line an event, or with --sites a place."""

from __future__ import annotations

from alloctrace.escape import visible

from . import rows
from .formats import Format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from alloctrace.trace.read import Trace
    from .formats import Choice

FORMAT = Format(
    title="a table of events, or with --sites of places, for spreadsheets and databases",
    ending=".csv",
    keeps="every event with origin, purpose, cause, region, deciding function; addresses as text",
    loses="stacks but that one function (`brkpoint events --json` has them), syscalls' arguments",
    opens="sqlite3 -csv x.db '.import FILE events', duckdb, a spreadsheet",
    is_binary=False,
    needs_events=True,
)
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute what begins so


class Look:
    """How CSV writes a value. What is not there is empty."""

    none, address = "", "0x%x"

    @staticmethod
    def key(name: str) -> str:
        return "" if name == rows.OWN[0] else ","

    @staticmethod
    def row(_: Sequence[str], values: Iterable[object]) -> str:
        return ",".join(map(_field, values))

    @classmethod
    def rest(cls, names: Sequence[str], values: Iterable[object]) -> str:
        return ",%s\r\n" % cls.row(names, values)


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return quoted(str(value))


def quoted(text: str) -> str:
    """A text as one field: no control characters, and no formula, which gets a ' in front."""
    text = visible(text)
    if text.startswith(_FORMULA):
        text = "'" + text
    if any(sign in text for sign in ',"'):
        return '"%s"' % text.replace('"', '""')
    return text


def write(out: BinaryIO, trace: Trace, choice: Choice) -> list[str]:
    if choice.sites:
        return _write_sites(out, trace)
    out.write((",".join(rows.EVENTS) + "\r\n").encode())
    rows.events(out, trace, Look)
    return []


def _write_sites(out: BinaryIO, trace: Trace) -> list[str]:
    out.write((",".join(rows.SITES) + "\r\n").encode())
    for row in rows.sites(trace, Look):
        out.write((row + "\r\n").encode())
    return []
