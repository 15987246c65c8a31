"""JSON lines: an object an event, or with --sites a place; for DuckDB, jq and log stores."""

from __future__ import annotations

import json

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
    title="JSON lines, an object an event, or with --sites a place",
    ending=".ndjson",
    keeps="every event with origin, purpose, cause, region, deciding function; addresses as text",
    loses="stacks but that one function (`brkpoint events --json` has them), syscalls' arguments",
    opens="duckdb -c \"SELECT * FROM 'FILE'\", jq . FILE",
    is_binary=False,
    needs_events=True,
)


class Look:
    """How JSON writes a value."""

    none, address = "null", '"0x%x"'

    @staticmethod
    def key(name: str) -> str:
        return '%s"%s":' % ("{" if name == rows.OWN[0] else ",", name)

    @staticmethod
    def row(names: Sequence[str], values: Iterable[object]) -> str:
        return ",".join('"%s":%s' % (name, _value(v)) for name, v in zip(names, values))

    @classmethod
    def rest(cls, names: Sequence[str], values: Iterable[object]) -> str:
        return ",%s}\n" % cls.row(names, values)


def _value(value: object) -> str:
    """Text without what other readers refuse in JSON: bytes that were no UTF-8."""
    return json.dumps(visible(value) if isinstance(value, str) else value, ensure_ascii=False)


def write(out: BinaryIO, trace: Trace, choice: Choice) -> list[str]:
    if choice.sites:
        for row in rows.sites(trace, Look):
            out.write(("{%s}\n" % row).encode())
        return []
    rows.events(out, trace, Look)
    return []
