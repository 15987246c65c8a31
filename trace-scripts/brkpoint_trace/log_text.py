"""Text of a call as strace and ltrace print it: where its arguments end, and what they are.

Strings may hold anything, escaped as in C: brackets and commas within them do not count.
"""

from __future__ import annotations

import re

_OPEN, _CLOSE = "([{", ")]}"
_INTERESTING = re.compile(r'["()\[\]{},]')
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"')
_NULLS = ("NULL", "nil", "(nil)")


def marks(text):
    """Yield (position, character, depth) of brackets and commas outside strings.

    `depth` is that around the character: a closing bracket has the depth of its opening one.
    """
    at, depth = 0, 0
    while True:
        found = _INTERESTING.search(text, at)
        if found is None:
            return
        at, char = found.end(), found.group()
        if char == '"':
            end = _STRING_END.match(text, at)
            if end is None:  # the string was cut off
                return
            at = end.end()
            continue
        depth -= char in _CLOSE
        yield found.start(), char, depth
        depth += char in _OPEN


def end_of_arguments(text):
    """The index of the bracket that closes the call whose arguments begin `text`, or None."""
    for at, char, depth in marks(text):
        if char == ")" and depth < 0:
            return at
    return None


def split(text):
    """The arguments in `text`, a list of text."""
    found, start = [], 0
    for at, char, depth in marks(text):
        if char == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    rest = text[start:].strip()
    return found + [rest] if rest or found else []


def number(text):
    """`NULL`, `-1`, `0x5000`, `1009` as an integer; anything else: None."""
    if text in _NULLS:
        return 0
    try:
        return int(text, 0)
    except ValueError:
        return None
