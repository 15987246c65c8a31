"""The tables of a trace file. docs/trace-format.md explains each column with its unit.

A trace is an SQLite database whose schema is exactly this one: a reader refuses any other, so
that no view, trigger or virtual table of a stranger's file ever runs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, TypeVar

    _Number = TypeVar("_Number", int, Optional[int])
    _Text = TypeVar("_Text", str, Optional[str])

APPLICATION_ID = 0x62726B70  # "brkp"
VERSION = 2
MAX_DEPTH = 10000  # frames of a stack; an engine's own limit is far below
LONGEST_TEXT = 1 << 17  # characters of a text, but for those in `run`: a page may repeat it

TABLES = {
    "run": "key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL",
    "modules": (
        "number INTEGER PRIMARY KEY, id INTEGER NOT NULL, path TEXT NOT NULL,"
        " base INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,"
        " build_id TEXT NOT NULL, role TEXT NOT NULL, image INTEGER NOT NULL,"
        " loaded_ns INTEGER NOT NULL, unloaded_ns INTEGER"
    ),
    "hooks": (
        "number INTEGER PRIMARY KEY, id INTEGER NOT NULL, module INTEGER NOT NULL,"
        " name TEXT NOT NULL, impl TEXT NOT NULL, address INTEGER NOT NULL"
    ),
    "borders": (
        "number INTEGER PRIMARY KEY, phase TEXT NOT NULL, t_ns INTEGER NOT NULL,"
        " how TEXT NOT NULL, image INTEGER NOT NULL, rss_bytes INTEGER, minor_faults INTEGER,"
        " major_faults INTEGER, mapped_bytes INTEGER, brk INTEGER, mappings INTEGER"
    ),
    "functions": (
        "id INTEGER PRIMARY KEY, name TEXT, file TEXT, module TEXT NOT NULL, path TEXT NOT NULL,"
        " role TEXT NOT NULL"
    ),
    "frames": (
        "id INTEGER PRIMARY KEY, pc INTEGER NOT NULL, offset INTEGER NOT NULL,"
        " function INTEGER NOT NULL, line INTEGER, inlined INTEGER NOT NULL, start INTEGER,"
        " known TEXT NOT NULL"
    ),
    "stacks": "id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, frame INTEGER NOT NULL",
    "verdicts": (
        "id INTEGER PRIMARY KEY, origin TEXT NOT NULL, owner TEXT, via TEXT NOT NULL,"
        " direct INTEGER NOT NULL, decided_by INTEGER, rule TEXT NOT NULL,"
        " confidence TEXT NOT NULL, for_whom TEXT"
    ),
    "purposes": "id INTEGER PRIMARY KEY, text TEXT, rule TEXT NOT NULL, source TEXT NOT NULL",
    "names": "id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, impl TEXT",
    "arguments": "id INTEGER PRIMARY KEY, json TEXT NOT NULL",
    "groups": (
        "id INTEGER PRIMARY KEY, name INTEGER NOT NULL, pid INTEGER NOT NULL,"
        " phase INTEGER NOT NULL, image INTEGER NOT NULL, stack INTEGER NOT NULL,"
        " within INTEGER NOT NULL, verdict INTEGER NOT NULL, purpose INTEGER NOT NULL,"
        " first_seq INTEGER NOT NULL, first_ns INTEGER NOT NULL, count INTEGER NOT NULL,"
        " bytes INTEGER NOT NULL, failed INTEGER NOT NULL, unfinished INTEGER NOT NULL,"
        " reached INTEGER NOT NULL, allocations INTEGER NOT NULL, allocated INTEGER NOT NULL,"
        " live_blocks INTEGER NOT NULL, live_bytes INTEGER NOT NULL,"
        " temporary_blocks INTEGER NOT NULL, temporary_bytes INTEGER NOT NULL,"
        " peak_bytes INTEGER NOT NULL, own_peak_bytes INTEGER NOT NULL,"
        " region INTEGER NOT NULL"
    ),
    "chunks": "id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, count INTEGER NOT NULL",
    "columns": (
        "chunk INTEGER NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL,"
        " delta INTEGER NOT NULL, base INTEGER NOT NULL, period INTEGER NOT NULL,"
        " data BLOB NOT NULL, PRIMARY KEY (chunk, name)"
    ),
    "late": "seq INTEGER NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,"
    " PRIMARY KEY (seq, name)",
    "timeline": (
        "seq INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, live_bytes INTEGER NOT NULL,"
        " highest_bytes INTEGER NOT NULL"
    ),
    "totals": (
        "origin TEXT NOT NULL, phase TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
        " count INTEGER NOT NULL, bytes INTEGER NOT NULL"
    ),
    "sites": (
        "function TEXT, module TEXT, file TEXT, line INTEGER, offset TEXT, origin TEXT NOT NULL,"
        " purpose TEXT, count INTEGER NOT NULL, bytes INTEGER NOT NULL,"
        " live_blocks INTEGER NOT NULL, live_bytes INTEGER NOT NULL,"
        " temporary_blocks INTEGER NOT NULL, temporary_bytes INTEGER NOT NULL,"
        " peak_bytes INTEGER NOT NULL"
    ),
    "blocks": (
        "number INTEGER PRIMARY KEY, address INTEGER NOT NULL, size INTEGER NOT NULL,"
        " seq INTEGER NOT NULL, last INTEGER NOT NULL"
    ),
    "notes": "id INTEGER PRIMARY KEY, text TEXT NOT NULL",
}
# Of a trace whose purposes were not asked for yet, and of no other.
UNEXPLAINED = "unexplained"
SOMETIMES = {UNEXPLAINED: "name TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL"}
WHEN_READ = "when read"  # `purposes` in the `run` of such a trace


# Columns at the end of a table that traces of older brkpoints lack, the latest first.
_ADDED = {
    "groups": (", region INTEGER NOT NULL", ", own_peak_bytes INTEGER NOT NULL"),
    "sites": (
        ", temporary_blocks INTEGER NOT NULL, temporary_bytes INTEGER NOT NULL,"
        " peak_bytes INTEGER NOT NULL",
    ),
}


def create_statements(table: str) -> list[str]:
    """How the table may have been made: today's way first."""
    ways = [create_statement(table)]
    for added in _ADDED.get(table, ()):
        ways.append(ways[-1].replace(added, ""))
    return ways


def row_types(table: str) -> list[tuple[str, type, bool]]:
    """[(name, type, may be NULL)] of a table's columns; type: int, str or bytes."""
    kinds = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
    declared = _declared(table).split(", PRIMARY KEY (")[0].split(", ")
    words = [column.split() for column in declared]
    return [(w[0], kinds[w[1]], not ("NOT" in w or "PRIMARY" in w)) for w in words]


# The columns of events: name, delta-coded. recorder/contract.py makes the recorder's of them.
EVENT_COLUMNS = (
    ("present", False),
    ("t_ns", True),
    ("tid", False),
    ("group", False),
    ("dur_ns", False),
    ("size", False),
    ("nmemb", False),
    ("align", False),
    ("ptr", True),
    ("result", True),
    ("errno", False),
    ("args", False),
    ("block", True),
    ("cause", False),
    ("outer", False),
)
COLUMN_NAMES = tuple(name for name, _ in EVENT_COLUMNS)

# Bits of `present`: a column whose bit is not set is NULL for this event.
NULLABLE = ("dur_ns", "size", "nmemb", "align", "ptr", "result", "errno", "block", "cause", "outer")
PRESENT = {name: 1 << index for index, name in enumerate(NULLABLE)}
SIGNED_SIZE = 1 << len(NULLABLE)  # `size` is negative (brk), not a large unsigned number

# The least that an event may have there, where it has any.
LEAST = {"t_ns": 0, "tid": 0, "dur_ns": 0, "errno": 1, "block": 1}


def page_size(has_many: bool) -> int:
    """Small runs make small files; of many events a column fits into a page or two."""
    return 16384 if has_many else 1024


def _declared(table: str) -> str:
    return TABLES.get(table) or SOMETIMES[table]


def create_statement(table: str, is_temporary: bool = False) -> str:
    kind = "TEMP TABLE" if is_temporary else "TABLE"
    return "CREATE %s %s (%s)" % (kind, table, _declared(table))


def insert_statement(
    table: str, width: int, replace: bool = False, at_once: int = 1, counts: bool = False
) -> str:
    """Of rows of `width` values, `at_once` of them. `counts`: SQLite numbers them by one more
    column, the first; in an empty table from 1."""
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    row = "(%s)" % ",".join(["NULL"] * counts + ["?"] * width)
    return "%s INTO %s VALUES %s" % (verb, table, ",".join([row] * at_once))


def to_signed(value: _Number) -> _Number:
    """An unsigned 64-bit integer as SQLite's signed one; None stays."""
    if value is None:
        return None
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def to_unsigned(value: _Number) -> _Number:
    return None if value is None else value & ((1 << 64) - 1)


def to_text(value: _Text) -> _Text | bytes:
    """A string as SQLite can hold it: bytes where it is no UTF-8 (paths may be anything)."""
    try:
        if value is not None:
            value.encode("utf-8")
        return value
    except UnicodeEncodeError:
        return _as_bytes(value or "")


def _as_bytes(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return value.encode("utf-8", "surrogatepass")


def from_text(value: Any) -> Any:
    """The inverse of to_text: undecodable bytes become lone surrogates again."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
