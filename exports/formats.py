"""The formats: what each is, what it keeps and loses, and which tool opens it. `brkpoint export
--list` and docs/exports.md are made from this."""

from __future__ import annotations

import importlib
from collections import namedtuple

NAMES = ("folded", "dhat", "pprof", "heaptrack", "perfetto", "speedscope", "csv", "ndjson")
# ending: of a file's name. opens: commands that read it, FILE in their place.
Format = namedtuple("Format", "title ending keeps loses opens is_binary needs_events")
# What the user chose: measure, one of measures.NAMES or None; sites: places in place of events.
Choice = namedtuple("Choice", "measure sites")


class CannotExport(Exception):
    """The trace has not what the format is made of, or the choice is none of its. One line."""


def load(name):
    """The module of a format: its FORMAT, and `write(out, trace, choice)`."""
    return importlib.import_module("%s.%s" % (__package__, name))


def table():
    """The lines of `--list`."""
    for name in NAMES:
        about = load(name).FORMAT
        yield "%-11s %s" % (name, about.title)
        yield "  keeps     " + about.keeps
        yield "  loses     " + about.loses
        yield "  open with " + about.opens
