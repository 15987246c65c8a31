"""data/origin.ini: which function is whose. Rows are data; this file only reads and finds them.

A row: `class` (allocator | pass | loader | runtime | user), `names` (patterns with `*`, one a
line, spelled as function_names.plain does), `where` (in whose file the name counts), `owner`,
`calls` (yes: what it calls directly is an initialiser, finaliser or exit handler),
`calls back` (yes: what it calls may be the program's own function), `thread` (yes: sets a thread
up for its caller), `public` (yes: worth a word in `via`), `source` (where to read it up).
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from alloctrace import globs, kept, tables
from alloctrace.globs import Globs, glob
from alloctrace.plain import frozen
from alloctrace.tables import TableError, is_yes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "origin.ini"
)
CLASSES = ("allocator", "pass", "loader", "runtime", "user")
PLACES = ("any", "libc", "loader", "library", "program", "static", "rust", "cpython")


@frozen
class Row:
    """One line of data. `places`: any of them must be among the places of the frame."""

    key: str
    kind: str
    places: frozenset[str]
    names: tuple[str, ...]
    owner: str = ""
    calls: bool = False
    calls_back: bool = False
    thread: bool = False
    public: bool = False
    source: str = ""


class Table:
    """Rows by name, in the order of the file: the first that fits a frame is its row. A row is made
    when a name asks for it."""

    def __init__(
        self,
        sections: list[tuple[str, dict[str, str]]],
        owners: list[tuple[str, str]],
        orders: tuple[dict[str, list[int]], dict[str, list[tuple[str, int]]]],
    ) -> None:
        """`sections`: [(key, section)]; `owners`: [(pattern, name)]; `orders`: numbers of sections
        by names of functions, as globs.indexed gives it."""
        self._sections = sections
        self._made: dict[int, Row] = {}
        self._owners = [(glob(pattern), name) for pattern, name in owners]
        self._orders = Globs(orders)
        self._named: dict[str, list[Row]] = {}

    @property
    def rows(self) -> list[Row]:
        return list(map(self._row, range(len(self._sections))))

    def _row(self, order: int) -> Row:
        if order not in self._made:
            self._made[order] = _row(*self._sections[order])
        return self._made[order]

    def find(self, name: str | None, places: frozenset[str]) -> Row | None:
        """The row of a function `name` that lies in `places` (a set), or None."""
        if name is None:
            return None
        if name not in self._named:
            self._named[name] = self._rows_of(name)
        for row in self._named[name]:
            if not places.isdisjoint(row.places):
                return row
        return None

    def _rows_of(self, name: str) -> list[Row]:
        return [self._row(order) for order in sorted(set(self._orders.fitting(name)))]

    def owner(self, module: str) -> str:
        """Who a library is, for people: "C" for libc.so.6, "libselinux" for libselinux.so.1."""
        for pattern, name in self._owners:
            if pattern.match(module):
                return name
        return re.split(r"\.so\b|-\d", module, maxsplit=1)[0] or module


def read(path: str) -> Table:
    return Table(*_compiled(path))


def _compiled(path: str) -> tuple[Any, ...]:
    """What a Table is made of, as plain values; raises TableError where a row is malformed."""
    sections = tables.read(path)
    owners = list(sections.pop("owners").items())
    rows = [_row(key, section) for key, section in sections.items()]
    orders = globs.indexed((name, at) for at, row in enumerate(rows) for name in row.names)
    return list(sections.items()), owners, orders


def _row(key: str, section: dict[str, str]) -> Row:
    kind, names = section.get("class", ""), tuple(section.get("names", "").split("\n"))
    places = frozenset(section.get("where", "any").split())
    names = tuple(name.strip() for name in names if name.strip())
    if kind not in CLASSES or not names or not places.issubset(PLACES) or "source" not in section:
        raise TableError("origin.ini, [%s]: class, where, names or source" % key)
    if kind == "runtime" and "owner" not in section:
        raise TableError("origin.ini, [%s]: a runtime without owner" % key)
    flags = {flag: is_yes(section, flag.replace("_", " ")) for flag in _FLAGS}
    owner = section.get("owner", "")
    return Row(key, kind, places, names, owner, source=section["source"], **flags)


_FLAGS = ("calls", "calls_back", "thread", "public")


@lru_cache(maxsize=1)
def default() -> Table:
    code = (__file__, globs.__file__, tables.__file__)
    return Table(*kept.made("origin", (PATH, *code), lambda: _compiled(PATH)))
