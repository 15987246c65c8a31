"""What there is to investigate: eras × targets × compilers or allocators, read from data/. Pure.

A cell is one target in one era, built by one compiler or run in one way. Its name is
`ERA/TARGET` or `ERA/TARGET@WAY`: a path below build/eras/cells.
"""

from __future__ import annotations

import configparser
import os
import re
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NamedTuple

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
PACKAGED = "rustc"  # the compiler that an era's own package has
GROUPS = ("start", "rust", "allocators")
NAME = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)

if TYPE_CHECKING:

    class Era(NamedTuple):
        name: str
        suite: str | None
        packages: list[str]
        compilers: dict[str, list[str]]
        builds: str

    class Target(NamedTuple):
        name: str
        source: str
        lines: dict[str, str]
        needs: str | None
        shows: str | None
        lacks: str
        group: str
        about: str

    class Way(NamedTuple):
        name: str
        preload: str | None
        link: str | None
        words: list[str]

    class Cell(NamedTuple):
        name: str
        era: Era
        target: Target
        compiler: str | None
        way: Way | None

else:
    # suite None: this machine. compilers: {name: packages}. builds: the line of a target that is
    # used.
    Era = namedtuple("Era", "name suite packages compilers builds")
    Target = namedtuple("Target", "name source lines needs shows lacks group about")
    Way = namedtuple("Way", "name preload link words")  # of the axis of allocators
    Cell = namedtuple("Cell", "name era target compiler way")


class PlanError(Exception):
    """One line: what is wrong with the data, or with a name."""


class Plan:
    """The eras, targets and ways, and the cells that follow. `toolchains`: names of the user's."""

    def __init__(
        self,
        eras: list[Era],
        targets: list[Target],
        ways: list[Way],
        toolchains: Iterable[str] = (),
    ) -> None:
        self.eras, self.targets, self.ways = eras, targets, ways
        self.toolchains = tuple(toolchains)
        self.cells = list(self._cells())

    def _cells(self) -> Iterator[Cell]:
        for era in self.eras:
            for target in self.targets:
                if era.builds not in target.lines:
                    continue
                for suffix, compiler, way in self._variants(era, target):
                    name = "%s/%s%s" % (era.name, target.name, suffix and "@" + suffix)
                    yield Cell(name, era, target, compiler, way)

    def _variants(self, era: Era, target: Target) -> Iterator[tuple[str, str | None, Way | None]]:
        """(what is added to the name, compiler, way)."""
        if "{rustc}" in target.lines[era.builds]:
            for compiler in (PACKAGED, *era.compilers, *self.toolchains):
                yield compiler if compiler != PACKAGED else "", compiler, None
        elif target.group == "allocators" and era.suite:
            for way in self.ways:
                yield way.name if way is not self.ways[0] else "", None, way
        else:
            yield "", None, None

    def chosen(self, words: Sequence[str]) -> list[Cell]:
        """The cells that `words` name: eras, targets, `ERA/TARGET`, groups; all without words.
        Raises PlanError for a word that names none."""
        if not words:
            return self.cells
        found: list[Cell] = []
        for word in words:
            named = [cell for cell in self.cells if _is_named(cell, word)]
            if not named:
                raise PlanError("no cell is named %s: brkpoint eras cells lists them" % word)
            found += [cell for cell in named if cell not in found]
        return found

    def era(self, name: str) -> Era:
        """The Era of that name; raises PlanError."""
        for era in self.eras:
            if era.name == name:
                return era
        names = ", ".join(era.name for era in self.eras)
        raise PlanError("no era is named %s; there are: %s" % (name, names))

    def check_new(self, name: str) -> None:
        """Raises PlanError for what cannot name a toolchain of the user's."""
        check_name(name)
        known = {PACKAGED, *GROUPS}
        known.update(era.name for era in self.eras)
        known.update(target.name for target in self.targets)
        known.update(way.name for way in self.ways)
        known.update(compiler for era in self.eras for compiler in era.compilers)
        if name in known:
            raise PlanError("%s names something else in the plan: choose another name" % name)


def _is_named(cell: Cell, word: str) -> bool:
    era, _, rest = cell.name.partition("/")
    return word in (cell.name, era, rest, cell.target.name, cell.target.group, cell.compiler)


def read(toolchains: Iterable[str] = (), folder: str = DATA) -> Plan:
    """The Plan of the data files; raises PlanError."""
    files = [_sections(os.path.join(folder, n + ".ini")) for n in ("eras", "targets", "allocators")]
    common = files[0].pop("all", {}).get("packages", "").split()
    eras = [_era(name, rows, common) for name, rows in files[0].items()]
    targets = [_target(name, rows) for name, rows in files[1].items()]
    ways = [
        Way(name, rows.get("preload"), rows.get("link"), rows.get("set", "").split())
        for name, rows in files[2].items()
    ]
    return Plan(eras, targets, ways, toolchains)


def line(cell: Cell) -> str:
    """What builds a cell: `build-ERA` where the target has it."""
    lines = cell.target.lines
    return lines.get("build-" + cell.era.name) or lines[cell.era.builds]


def check_name(name: str) -> None:
    """Raises PlanError for what cannot be a part of a cell's name."""
    if not NAME.fullmatch(name):
        raise PlanError("%r is no name: letters, digits, and . + - _ between them" % name)


def _sections(path: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment]
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, configparser.Error) as error:
        raise PlanError("%s: %s" % (path, error)) from None
    for name in parser.sections():
        check_name(name)
    return {name: dict(parser[name]) for name in parser.sections()}


def _era(name: str, rows: dict[str, str], common: list[str]) -> Era:
    compilers = {key: row.split() for key, row in rows.items() if key.startswith("rustc-")}
    packages = common + rows.get("packages", "").split() if rows.get("suite") else []
    return Era(name, rows.get("suite"), packages, compilers, rows.get("builds", "build"))


def _target(name: str, rows: dict[str, str]) -> Target:
    try:
        lines = {key: row for key, row in rows.items() if key.split("-")[0] in ("build", "musl")}
        needs, shows, lacks = rows.get("needs"), rows.get("shows"), rows.get("lacks", "")
        group = rows["group"]
        if group not in GROUPS:
            raise PlanError("targets.ini: %s: no group is named %s" % (name, group))
        return Target(name, rows["source"], lines, needs, shows, lacks, group, rows["about"])
    except KeyError as error:
        raise PlanError("targets.ini: %s has no line %s" % (name, error)) from None
