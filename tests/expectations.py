"""The headers of targets/ and their `Expect:`, a small language: targets/README.md teaches it.

    text    = clause { " ; " clause }
    clause  = [ "if" { ["not"] FEATURE } ":" ] fact
    fact    = "exit" N | "signalled" SIGNAL | "leaked" ORIGIN N [BYTES] | "temporary" ORIGIN N
            | ("resident" | "threads" | "unfinished") RANGE
            | { filter } ( "none" | ["only"] item { item } )
    filter  = ORIGIN | "phase" PHASE | "by" NAME | "failed" | "nested" | "direct"
    item    = WHAT RANGE | "purpose" '"' TEXT '"' RANGE
    WHAT    = "calls" | "syscalls" | NAMES | NAMES "(" SIZE ")" | NAMES "(" NMEMB "x" SIZE ")"
    NAMES   = NAME { "|" NAME }
    RANGE   = N | N "+" | N ".." N
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field
from typing import Optional

from alloctrace import words

FIELDS = ("Idea", "Do", "Expect", "Look for")
FEATURES = ("dynamic", "static", "glibc", "musl", "symbols", "hookable", "preloaded", "lto") + (
    "unwindable",
    "few",
)
NAMES = words.ENTRY_POINTS + tuple(words.MEMORY_SYSCALLS.values())
FIGURES = ("resident", "threads", "unfinished")

_WORD = re.compile(r'"[^"]*"|\S+')
_RANGE = re.compile(r"^(\d+)(?:(\+)|\.\.(\d+))?$")
_WHAT = re.compile(r"^([\w|]+)(?:\((?:(\d+)x)?(-?\d+|NULL)\))?$")


class ExpectError(Exception):
    """The header or its expectation is not what targets/README.md says. One line."""


@dataclass(frozen=True)
class Range:
    """A number of events, inclusive; `most` None: no limit."""

    least: int
    most: Optional[int]

    def __contains__(self, count):
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self):
        if self.most is None:
            return "%d or more" % self.least
        return str(self.least) if self.least == self.most else "%d to %d" % (self.least, self.most)


@dataclass(frozen=True)
class Item:
    """Events of one kind, and how many there must be."""

    what: str  # calls | syscalls | purpose | a name
    count: Range
    size: Optional[int] = None
    nmemb: Optional[int] = None
    null: bool = False
    text: str = ""

    def matches(self, event):
        if self.what == "purpose":
            return (event["purpose"] or "").startswith(self.text)
        if self.what in ("calls", "syscalls"):
            return event["kind"] == self.what[:-1]
        if event["name"] not in self.what.split("|"):
            return False
        if self.null:
            return _address(event["ptr"]) == 0
        return self.size is None or (event["size"], event["nmemb"]) == (self.size, self.nmemb)


@dataclass(frozen=True)
class Clause:
    """One fact, and when it must hold."""

    text: str
    conditions: tuple  # of (feature, wanted)
    kind: str  # exit | signalled | leaked | temporary | resident | threads | unfinished | events
    origin: Optional[str] = None
    number: Optional[int] = None
    size: Optional[int] = None
    count: Optional[Range] = None
    filters: dict = field(default_factory=dict)
    only: bool = False
    items: tuple = ()

    def applies(self, features):
        return all((name in features) == wanted for name, wanted in self.conditions)


# ---- the header -----------------------------------------------------------------------------


def read_header(text):
    """{field: value} of a target's source, with its title under "title"; raises ExpectError."""
    lines = [_bare(line) for line in _comment(text)]
    header, last = {"title": lines[0] if lines else ""}, None
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon and name in FIELDS:
            last = name
            header[name] = value.strip()
        elif last and line:
            header[last] += " " + line.strip()
    missing = [name for name in FIELDS if not header.get(name)]
    if missing or tuple(name for name in header if name != "title") != FIELDS:
        raise ExpectError("the header needs %s, in this order" % ", ".join(FIELDS))
    return header


def _comment(text):
    """The lines of the comment that begins the file."""
    lines = text.splitlines()
    if lines and lines[0].startswith("/*"):
        end = next((i for i, line in enumerate(lines) if "*/" in line), len(lines))
        return lines[:end]
    mark = ";" if lines and lines[0].startswith(";") else "//"
    end = next((i for i, line in enumerate(lines) if not line.startswith(mark)), len(lines))
    return lines[:end]


def _bare(line):
    return re.sub(r"^\s*(/\*|\*/|\*|//|;)\s?", "", line).rstrip()


# ---- the expectation ----------------------------------------------------------------------------


def parse(text):
    """The clauses of an `Expect:`; raises ExpectError."""
    clauses = [_clause(part.strip()) for part in text.split(" ; ")]
    if not clauses:
        raise ExpectError("an expectation needs a clause")
    return clauses


def _clause(text):
    conditions, fact = (), text
    if text.startswith("if "):
        head, colon, fact = text[3:].partition(":")
        if not colon:
            raise ExpectError("no colon after the condition: %s" % text)
        conditions = _conditions(head.split(), text)
    found = _WORD.findall(fact)
    if not found:
        raise ExpectError("an empty clause")
    try:
        return Clause(text=text, conditions=conditions, **_fact(found))
    except (IndexError, ValueError):
        raise ExpectError("not understood: %s" % text) from None


def _conditions(found, text):
    conditions, wanted = [], True
    for word in found:
        if word == "not":
            wanted = False
            continue
        if word not in FEATURES:
            raise ExpectError("no such feature: %s, in: %s" % (word, text))
        conditions.append((word, wanted))
        wanted = True
    return tuple(conditions)


def _fact(found):
    head = found[0]
    if head == "exit" and len(found) == 2:
        return {"kind": "exit", "number": int(found[1])}
    if head == "signalled" and len(found) == 2:
        if not hasattr(signal, found[1]):
            raise ExpectError("no such signal: %s" % found[1])
        return {"kind": "signalled", "number": int(getattr(signal, found[1]))}
    if head in ("leaked", "temporary") and len(found) in (3, 4):
        size = int(found[3]) if len(found) == 4 else None
        return {
            "kind": head,
            "origin": _one_of(found[1], words.ORIGINS),
            "number": int(found[2]),
            "size": size,
        }
    if head in FIGURES and len(found) == 2:
        return {"kind": head, "count": _range(found[1])}
    return _events(list(found))


def _events(found):
    filters = {}
    while found and _take_filter(found, filters):
        pass
    if found == ["none"]:
        return {"kind": "events", "filters": filters}
    only = found[0] == "only"
    found = found[only:]
    items = []
    while found:
        items.append(_item(found))
    if not items:
        raise ValueError("nothing to count")
    return {"kind": "events", "filters": filters, "only": only, "items": tuple(items)}


def _take_filter(found, filters):
    """Move one filter from the words into `filters`; whether there was one."""
    head = found[0]
    if head in words.ORIGINS:
        filters["origin"] = found.pop(0)
    elif head == "phase":
        filters["phase"] = _one_of(found[1], words.PHASES)
        del found[:2]
    elif head == "by":
        filters["by"] = _one_of(found[1], NAMES)
        del found[:2]
    elif head in ("failed", "nested", "direct"):
        filters[found.pop(0)] = True
    else:
        return False
    return True


def _item(found):
    what = found.pop(0)
    if what == "purpose":
        text = found.pop(0)
        if len(text) < 3 or text[0] != '"':
            raise ExpectError('a purpose is written "in quotes"')
        return Item("purpose", _range(found.pop(0)), text=text[1:-1])
    match = _WHAT.match(what)
    known = NAMES + ("calls", "syscalls")
    if not match or not all(name in known for name in match.group(1).split("|")):
        raise ExpectError("no such call or syscall: %s" % what)
    name, nmemb, size = match.groups()
    null = size == "NULL"
    return Item(
        name,
        _range(found.pop(0)),
        size=None if null or size is None else int(size),
        nmemb=nmemb and int(nmemb),
        null=null,
    )


def _range(word):
    match = _RANGE.match(word)
    if not match:
        raise ExpectError("not a number of events: %s" % word)
    least = int(match.group(1))
    if match.group(2):
        return Range(least, None)
    return Range(least, int(match.group(3)) if match.group(3) else least)


def _one_of(word, known):
    if word not in known:
        raise ExpectError("%s is none of %s" % (word, ", ".join(known)))
    return word


def _address(text):
    return int(text, 0) if isinstance(text, str) else (text or 0)
