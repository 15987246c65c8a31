"""The file of a budget: finding, reading and writing it."""

from __future__ import annotations

import os

from start.errors import USAGE, UserError, shown

FILE = "brkpoint.budget"
MAX_TEXT = 1 << 20  # characters; no budget has more


def upwards(folder: str) -> str:
    """The nearest budget file."""
    while True:
        path = os.path.join(folder, FILE)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(folder)
        if above == folder:
            raise UserError("no %s here or above; -f FILE, or --budget RULE" % FILE, USAGE)
        folder = above


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            text = file.read(MAX_TEXT + 1)
    except OSError as error:
        raise UserError("%s: %s" % (shown(path), error.strerror), USAGE) from None
    if len(text) > MAX_TEXT:
        raise UserError("%s: more than %d characters, no budget" % (shown(path), MAX_TEXT), USAGE)
    return text


def write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(path), error.strerror), USAGE) from None
