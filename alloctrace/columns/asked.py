"""What alloctrace/measure.py says of an Event, of an event's columns. Pure."""

from __future__ import annotations

from .columns import MASK64
from .schema import PRESENT, SIGNED_SIZE

_SIZE, _NMEMB = PRESENT["size"], PRESENT["nmemb"]
_PTR, _RESULT = PRESENT["ptr"], PRESENT["result"]


def bytes_asked(present: int, size: int, nmemb: int) -> int:
    """Its bytes, of all elements; `present`: what it has, in the bits of the column."""
    if not present & _SIZE:
        return 0
    if not present & SIGNED_SIZE:
        size &= MASK64
    return size * (nmemb & MASK64) if present & _NMEMB else size


def each(presents: list[int], sizes: list[int], nmembs: list[int]) -> list[int]:
    """The same of calls by the thousand, of which no size and no number is 2^63 or more."""
    rows = zip(presents, sizes, nmembs)
    return [size * nmemb if present & _NMEMB else size for present, size, nmemb in rows]


def only_ends(present: int, ptr: int, result: int) -> bool:
    """Whether a call that moves a block, and asked for no bytes, ended it."""
    return bool(present & _PTR and ptr and not (present & _RESULT and result))
