"""Which functions are allocator entry points, under whatever name: the one list of both engines.

libc's ten are in words.py, known allocators under other names in data/allocators.ini, and users
name their own: `pool_alloc(size)=malloc,pool_free(ptr)=free`.
"""

from __future__ import annotations

import os
from collections import namedtuple
from functools import lru_cache

from . import kept, tables, words
from .patterns import Pattern
from .tables import is_yes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, NamedTuple

    from alloctrace.model import Hook

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "allocators.ini")
REGISTERS = 6  # that arguments come in, on x86-64
MATTERING = 3  # arguments that a record holds
UNWATCHED = "unwatched "  # so begin sections of what is not watched: unwatched.py
MAX_NAMES = 1000  # of a user's
MAX_TEXT = 1 << 18  # of a file of theirs
_COMMA = Pattern(r",(?![^(]*\))")  # not within brackets
_FORM = Pattern(r"\s*([\w.$@]+)\s*\(([\w\s,]*)\)\s*=\s*(\w+)\s*(->\s*size)?\s*$")

# A function that counts as entry point `point`. `arguments`: what those at `places` are.
# `returns_size`: it resizes in place and returns the block's size. `beside`: see allocators.ini.
# `origin`: who named it: "" for libc's own, else the section, or where the user did.
if TYPE_CHECKING:

    class Named(NamedTuple):
        name: str
        point: str
        arguments: tuple[str, ...]
        places: tuple[int, ...]
        returns_size: bool
        beside: bool
        origin: str

else:
    Named = namedtuple("Named", "name point arguments places returns_size beside origin")


class Unclear(Exception):
    """A description that cannot be understood: one sentence."""


def described(text: str, origin: str, beside: bool = False) -> Named:
    """The Named of `name(arguments)=entry point`; raises Unclear with what is wrong."""
    form = _FORM.match(text)
    if form is None:
        raise Unclear("%r is no name(arguments)=entry point" % text.strip())
    name, inside, point, returns = form.groups()
    given: list[str] = [word.strip() for word in inside.split(",")] if inside.strip() else []
    _check(name, given, point)
    kept = [(word, at) for at, word in enumerate(given) if _matters(word, point)]
    kept.sort(key=lambda pair: pair[0] != "out")  # the agent looks behind the first
    arguments, places = zip(*kept) if kept else ((), ())
    _check_places(name, arguments, places, point)
    return Named(name, point, arguments, places, bool(returns), beside, origin)


def _matters(word: str, point: str) -> bool:
    """Of what frees a block its size does not."""
    return word == "ptr" if point == "free" else word != "_"


def _check(name: str, given: Sequence[str], point: str) -> None:
    if point not in words.SIGNATURES:
        raise Unclear("%s: %s is none of %s" % (name, point, " ".join(words.ENTRY_POINTS)))
    for word in given:
        if word not in words.ARGUMENTS + ("_",):
            known = " ".join(words.ARGUMENTS)
            raise Unclear("%s: an argument is one of %s, or _; not %r" % (name, known, word))


def _check_places(name: str, arguments: Sequence[str], places: Sequence[int], point: str) -> None:
    needed = {word for word in words.SIGNATURES[point].split() if word in ("size", "ptr", "out")}
    missing = sorted(needed - set(arguments))
    if missing:
        raise Unclear("%s: which argument is its %s?" % (name, missing[0]))
    if "out" in arguments and point != "posix_memalign":
        raise Unclear("%s: what stores its pointer is a posix_memalign" % name)
    if len(set(arguments)) != len(arguments):
        raise Unclear("%s: an argument is named twice" % name)
    if len(arguments) > MATTERING or max(places) >= REGISTERS:
        text = "%s: at most %d arguments can matter, all among the first %d"
        raise Unclear(text % (name, MATTERING, REGISTERS))


def of_user(text: str, origin: str) -> list[Named]:
    """[Named] of a list `a(size)=malloc,b(ptr)=free`; raises Unclear."""
    parts = [part for part in _COMMA.split(text) if part.strip()]
    if not 0 < len(parts) <= MAX_NAMES:
        raise Unclear("%s functions are named" % (len(parts) or "no"))
    return [described(part, origin) for part in parts]


def of_file(text: str, origin: str) -> list[Named]:
    """[Named] of a file: as of_user, one or several a line; `#` begins a comment."""
    lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
    return [named for line in lines if line for named in of_user(line, origin)]


@lru_cache(maxsize=1)
def standard() -> tuple[Named, ...]:
    """libc's ten, then known allocators under other names, in the order of their file."""
    code = (__file__, tables.__file__, words.__file__)
    rows: list[tuple[Any, ...]] = kept.made(
        "allocators", (PATH, *code), lambda: [tuple(row) for row in _standard()]
    )
    return tuple(Named(*row) for row in rows)


def _standard() -> Iterable[Named]:
    found = {}
    for point, arguments in words.SIGNATURES.items():
        text = "%s(%s)=%s" % (point, ",".join(arguments.split()), point)
        found[point] = described(text, "")
    for key, section in table().items():
        for named in () if key.startswith(UNWATCHED) else _section(key, section):
            found.setdefault(named.name, named)
    return found.values()


def is_other(name: str) -> bool:
    """Whether it is a known function of another allocator than libc."""
    return name in _others()


@lru_cache(maxsize=1)
def _others() -> set[str]:
    return {named.name for named in standard() if named.origin}


def table() -> dict[str, dict[str, str]]:
    """The file, as tables.read gives it."""
    return tables.read(PATH)


def _section(key: str, section: dict[str, str]) -> Iterator[Named]:
    lines = [line for line in section.get("names", "").split("\n") if line.strip()]
    if is_yes(section, "standard"):
        for point, arguments in words.SIGNATURES.items():
            lines.insert(0, "%s(%s)=%s" % (point, ",".join(arguments.split()), point))
    beside = is_yes(section, "beside")
    prefixes = section.get("prefixes", "").split()
    prefixes += [""] if is_yes(section, "plain") else []
    made = [described(line, key, beside) for line in lines]
    for prefix in prefixes:
        for named in made:
            if prefix or named.name not in words.SIGNATURES:
                yield named._replace(name=prefix + named.name)


def watched(also: Iterable[Named] = ()) -> list[Named]:
    """All that is looked for: the user's `also` wins over a name that is known."""
    own = {named.name: named for named in also}
    return [own.pop(named.name, named) for named in standard()] + list(own.values())


def told(hooks: Iterable[Hook], also: Iterable[Named]) -> list[dict[str, Any]]:
    """What was watched beside libc's functions: [{name, point, from, found, by_user}], for reports.

    `hooks`: model.Hook of the run; `also`: the user's Named, told of even where none was found.
    """
    entered = {hook.impl: hook.name for hook in hooks}
    own = {named.name: named for named in also}
    known = {named.name: named.origin for named in standard() if named.origin not in ("", "libc")}
    rows = [_told(n.name, n.point, n.origin, n.name in entered, True) for n in also]
    for impl, point in sorted(entered.items()):
        if impl in known and impl not in own:
            rows.append(_told(impl, point, known[impl]))
    return rows


def _told(
    name: str, point: str, origin: str, found: bool = True, by_user: bool = False
) -> dict[str, Any]:
    facts = {"name": name, "point": point, "from": origin}
    return {**facts, "found": found, "by_user": by_user}


def plain(named: Named) -> list[object]:
    """What JSON can hold of it."""
    return list(named)


def from_plain(row: Iterable[Any]) -> Named:
    """The Named that `plain` was given."""
    named = Named(*row)
    return named._replace(arguments=tuple(named.arguments), places=tuple(named.places))


def line(named: Named) -> str:
    """What the recorder is told: `name point arguments places returns beside`."""
    places = ",".join(map(str, named.places))
    flags = (int(named.returns_size), int(named.beside))
    return "%s %s %s %s %d %d" % (
        named.name,
        named.point,
        ",".join(named.arguments),
        places,
        *flags,
    )
