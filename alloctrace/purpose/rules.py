"""data/purpose.ini: rules that say what an event is for. Data; this file only reads and indexes.

A rule: `on` (event names), conditions, `text` (a sentence with {fields}), `source` (where to read
it up). The first rule of the file whose conditions all hold explains the event; a rule whose
field is not known does not hold. `thing` names the block, for its `free` ("gives back: …");
without it `text` does. `means` is a longer explanation, for the manual. Conditions, all optional:

`stack`   functions, innermost first: `a < b` b called a directly, `a << b` b is further out,
          `a ~ b` between them lie only a few unnamed functions of the same file or the insides
          of a language's own library; `a|b` either; `*` any text. It begins at the first
          function outside the allocator (for a syscall: outside its wrapper); a leading `~` or
          `<<` loosens that
`file`    pattern of the first function's file, alternatives by `|`
`origin`, `owner`, `phase`   of the event
`size`    `472`, `>=4096`, `<0`, `8..64`; several, separated by blanks: any of them
`prot`, `flags`, `advice`    names that must all be there, `-NAME` must not
`path`    pattern of the mapped file; `none`: anonymous
`cause`   names of the call that made the syscall; `none`
`when`    facts by name (purpose_facts.FACTS) that must hold
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache

from alloctrace import globs, kept, tables, words
from alloctrace.globs import Globs, glob
from alloctrace.patterns import Pattern
from alloctrace.plain import frozen
from alloctrace.tables import TableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from typing import Any

    from alloctrace.globs import Glob

PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "purpose.ini"
)
KEYS = (
    "on stack file origin owner phase size prot flags advice path cause when "
    "text thing means source"
).split()
NAMES = words.ENTRY_POINTS + words.SYSCALL_NAMES
_FIELD = Pattern(r"{(\w+)}")
ALLOCATING = tuple(name for name in words.ENTRY_POINTS if name != "free")


@frozen
class Step:
    """One function of a `stack` condition."""

    names: frozenset[str]  # as they are written, `*` for any text
    exact: frozenset[str]
    patterns: tuple[Glob, ...]
    reach: str  # "<" the direct caller, "~" through insides of a library, "<<" anywhere out

    def fits(self, name: str) -> bool:
        if name in self.exact:
            return True
        for pattern in self.patterns:  # `any` would make a generator each time
            if pattern.match(name):
                return True
        return False


@frozen
class Rule:
    key: str
    order: int
    on: frozenset[str]
    steps: tuple[Step, ...]  # Step, innermost first
    file: tuple[Glob, ...]  # patterns of the first function's file
    equal: tuple[tuple[str, frozenset[str]], ...]  # (attribute, set of values)
    sizes: tuple[tuple[int | None, int | None], ...]  # (low, high), None: open
    # (argument, names that must be there, names that must not).
    flags: tuple[tuple[str, frozenset[str], frozenset[str]], ...]
    path: Glob | str | None  # None: any; "": anonymous; else a compiled pattern
    cause: frozenset[str]
    when: tuple[str, ...]
    text: str
    thing: str
    fields: tuple[str, ...]
    source: str

    @cached_property
    def asks(self) -> frozenset[str]:
        """Names of all facts and fields that it rests on."""
        return frozenset([*(name for name, _ in self.facts), *self.fields])

    @cached_property
    def facts(self) -> tuple[tuple[str, bool], ...]:
        """((name of a fact, whether it must hold), …)"""
        return tuple([(name.lstrip("!"), not name.startswith("!")) for name in self.when])


class Rules:
    """The rules by event name and functions of the stack, so that few are tried per event.

    A rule is out of the question where one of its steps fits no function at all. Each distinct
    step is a bit: of a function's name the steps that it fits are found once, and of an event
    and the bits of its stack the rules. A rule is made when it is a candidate.
    """

    def __init__(
        self,
        sections: list[tuple[str, dict[str, str]]],
        on: dict[str, list[tuple[int, int]]],
        steps: tuple[dict[str, list[int]], dict[str, list[tuple[str, int]]]],
    ) -> None:
        """`sections`: [(key, section)]; `on`: {name of an event: [(bits that are needed, number of
        the section)]}; `steps`: bits by names of functions, as globs.indexed gives it."""
        self._sections = sections
        self._made: dict[int, Rule] = {}
        self._on, self._steps = on, Globs(steps)
        self._fitting: dict[str, int] = {}  # name of a function -> bits of the steps that it fits
        # (name of an event, bits of its stack) -> rules.
        self._found: dict[tuple[str, int], list[Rule]] = {}

    def candidates(self, name: str, there: int) -> list[Rule]:
        """Rules for event `name` whose steps are all in `there`, bits; in the file's order."""
        key = (name, there)
        if key not in self._found:
            rows = self._on.get(name, ())
            self._found[key] = [self._rule(at) for needed, at in rows if not needed & ~there]
        return self._found[key]

    @property
    def rules(self) -> list[Rule]:
        """All of them."""
        return list(map(self._rule, range(len(self._sections))))

    def _rule(self, order: int) -> Rule:
        if order not in self._made:
            key, section = self._sections[order]
            self._made[order] = _rule(key, order, section)
        return self._made[order]

    def steps_of(self, function: str) -> int:
        """Bits of the steps that a function's name fits."""
        known = self._fitting.get(function)
        if known is None:
            bits = 0
            for bit in self._steps.fitting(function):
                bits |= bit
            known = self._fitting[function] = bits
        return known


def read(path: str, facts: Container[str]) -> Rules:
    """The Rules of the file at `path`; `facts`: names that `when` may use."""
    return Rules(*_compiled(path, facts))


def _compiled(path: str, facts: Container[str]) -> tuple[Any, ...]:
    """What Rules are made of, as plain values; raises TableError where a rule is malformed."""
    sections = list(tables.read(path).items())
    rules = [_rule(key, order, section) for order, (key, section) in enumerate(sections)]
    for rule in rules:
        unknown = [name for name in rule.when if name.lstrip("!") not in facts]
        if unknown:
            raise TableError("purpose.ini, [%s]: no fact %s" % (rule.key, unknown[0]))
    bits: dict[frozenset[str], int] = {}
    on: dict[str, list[tuple[int, int]]] = {}
    for rule in rules:
        needed = 0
        for step in rule.steps:
            needed |= bits.setdefault(step.names, 1 << len(bits))
        for name in rule.on:
            on.setdefault(name, []).append((needed, rule.order))
    steps = globs.indexed((name, bit) for names, bit in bits.items() for name in names)
    return sections, on, steps


def _rule(key: str, order: int, section: dict[str, str]) -> Rule:
    try:
        return _make(key, order, section)
    except (KeyError, ValueError) as error:
        raise TableError("purpose.ini, [%s]: %s" % (key, error)) from None


def _make(key: str, order: int, section: dict[str, str]) -> Rule:
    unknown = set(section) - set(KEYS)
    if unknown:
        raise ValueError("unknown key %s" % sorted(unknown)[0])
    text = section["text"]
    equal = [
        (name, _values(section[name])) for name in ("origin", "owner", "phase") if name in section
    ]
    flags = [
        (name, *_flags(section[name])) for name in ("prot", "flags", "advice") if name in section
    ]
    return Rule(
        key=key,
        order=order,
        on=_names(section["on"]),
        steps=tuple(_steps(section["stack"])) if "stack" in section else (),
        file=tuple(map(glob, section["file"].split("|"))) if "file" in section else (),
        equal=tuple(equal),
        sizes=tuple(_range(word) for word in section.get("size", "").split()),
        flags=tuple(flags),
        path=_path(section.get("path")),
        cause=frozenset(section.get("cause", "").split()),
        when=tuple(section.get("when", "").split()),
        text=text,
        thing=section.get("thing", ""),
        fields=tuple(dict.fromkeys(_FIELD.findall(text + section.get("thing", "")))),
        source=section["source"],
    )


def _names(text: str) -> frozenset[str]:
    names: set[str] = set()
    for word in text.split():
        names.update(ALLOCATING if word == "allocation" else (word,))
    if not names or not names.issubset(NAMES):
        raise ValueError("on = %s" % text)
    return frozenset(names)


def _values(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(","))


def _steps(text: str) -> Iterator[Step]:
    """`a < b << c` as Steps."""
    reach = "<"
    for word in text.replace("operator ", "operator_").split():
        if word in ("<", "~", "<<"):
            reach = word
            continue
        yield _step(word.replace("operator_", "operator "), reach)
        reach = "<"


@lru_cache(maxsize=None)  # many rules ask for the same one
def _step(word: str, reach: str) -> Step:
    names = frozenset(word.split("|"))
    if "*" not in word:
        return Step(names, names, (), reach)
    patterns = frozenset(name for name in names if "*" in name)
    return Step(names, names - patterns, tuple(map(glob, sorted(patterns))), reach)


def _range(word: str) -> tuple[int | None, int | None]:
    if ".." in word:
        low, high = word.split("..")
        return int(low), int(high)
    if word.startswith(">="):
        return int(word[2:]), None
    if word.startswith("<"):
        return None, int(word[1:]) - 1
    return int(word), int(word)


def _flags(text: str) -> tuple[frozenset[str], frozenset[str]]:
    asked = text.split()
    there = frozenset(name for name in asked if not name.startswith("-"))
    return there, frozenset(name[1:] for name in asked if name.startswith("-"))


def _path(text: str | None) -> Glob | str | None:
    if text is None:
        return None
    return "" if text == "none" else glob(text)


@lru_cache(maxsize=1)
def default() -> Rules:
    from . import facts as purpose_facts

    code = (__file__, globs.__file__, tables.__file__, words.__file__, purpose_facts.__file__)
    make = lambda: _compiled(PATH, purpose_facts.FACTS)  # noqa: E731
    return Rules(*kept.made("purpose", (PATH, *code), make))
