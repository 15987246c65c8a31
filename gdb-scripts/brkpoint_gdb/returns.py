"""Where a function returns: its own `ret` instructions, tail jumps followed.

A breakpoint on each `ret` stays flat however many callers there are. Where the end of a function
is not clear (an indirect jump out of it), the caller's return address is watched instead.
"""

from __future__ import annotations

import re

import gdb

_DIRECT = re.compile(r"^(?:bnd |notrack |addr32 |data16 )*(j\w+)\s+0x([0-9a-f]+)\b")
_INDIRECT = re.compile(r"^(?:bnd |notrack |addr32 |data16 )*jmp\w*\s+(?!0x)")  # in either flavor
_RETURN = re.compile(r"^(?:repz |rep |bnd |lock )*ret")
_MAX_RANGES = 8  # pieces of one function: .cold parts and tail-called helpers
_MAX_BYTES = 16384
_MAX_RETURNS = 24


class Ends:
    """`returns`: addresses of `ret` instructions; `clear`: they are all there are."""

    def __init__(self, returns, clear):
        self.returns = returns
        self.clear = clear


def ends_of(start, extent):
    """The ends of the function at `start`. `extent(address)` -> (low, high) or None."""
    returns, clear = set(), True
    todo, seen = [start], set()
    while todo:
        piece = extent(todo.pop())
        if piece in seen:
            continue
        if piece is None or len(seen) == _MAX_RANGES or piece[1] - piece[0] > _MAX_BYTES:
            return Ends(sorted(returns), False)
        seen.add(piece)
        found, targets, piece_clear = _scan(piece)
        returns |= found
        clear = clear and piece_clear
        todo += [target for target in targets if not _inside(target, seen)]
    if len(returns) > _MAX_RETURNS or not returns:
        return Ends([], False)
    return Ends(sorted(returns), clear)


def _inside(address, pieces):
    return any(low <= address < high for low, high in pieces)


def _scan(piece):
    low, high = piece
    returns, targets, clear = set(), set(), True
    for address, text in _instructions(low, high):
        if _RETURN.match(text):
            returns.add(address)
            continue
        direct = _DIRECT.match(text)
        if direct:
            target = int(direct.group(2), 16)
            if not low <= target < high:
                targets.add(target)
        elif _leaves_unclear(text):
            clear = False
    return returns, targets, clear


def _leaves_unclear(text):
    """An indirect jump that may leave the function; a `notrack` one is a switch inside it."""
    return bool(_INDIRECT.match(text)) and "notrack" not in text


def _instructions(low, high):
    try:
        listing = gdb.selected_inferior().architecture().disassemble(low, high - 1)
    except (gdb.error, AttributeError):
        return []
    return [(line["addr"], line["asm"]) for line in listing]
