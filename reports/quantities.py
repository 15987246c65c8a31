"""Numbers in words: counts, sizes, durations, lists. English for 0, 1, many."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # a start does not pay for what only types need
    from collections.abc import Iterable
    from typing import Optional

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def count(number: int, singular: str, plural: Optional[str] = None) -> str:
    """`1 call`, `19 calls`, `no calls`."""
    noun = singular if number == 1 else plural or singular + "s"
    return "%s %s" % ("no" if number == 0 else grouped(number), noun)


def grouped(number: int) -> str:
    """1234567 -> 1,234,567"""
    return "{:,}".format(number)


def size(number: float) -> str:
    """A number of bytes for people: `472 bytes`, `12.5 KiB`, `-4.0 KiB`; exact below 1 KiB."""
    if abs(number) < 1024:
        return "%d byte%s" % (number, "" if abs(number) == 1 else "s")
    value, unit = _scaled(number)
    return "%s %s" % (("%.1f" % value).replace(".0", ""), unit)


def short_size(number: float) -> str:
    """As `size`, for tables: `472 B`, `12.5 KiB`, `234 KiB`."""
    if abs(number) < 1024:
        return "%d B" % number
    value, unit = _scaled(number)
    return "%.0f %s" % (value, unit) if abs(value) >= 99.95 else size(number)


def _scaled(number: float) -> tuple[float, str]:
    value, unit = float(number), ""
    for unit in _UNITS:
        value /= 1024
        if abs(value) < 1023.5:
            break
    return value, unit


def exact_size(number: int) -> str:
    """As `size`, and the exact bytes where that has rounded."""
    text = size(number)
    return text if abs(number) < 1024 else "%s (%s bytes)" % (text, grouped(number))


def duration(ns: float) -> str:
    """Nanoseconds for people."""
    for limit, divisor, unit in (
        (10**3, 1, "ns"),
        (10**6, 10**3, "µs"),
        (10**9, 10**6, "ms"),
    ):
        if ns < limit:
            return "%.3g %s" % (ns / divisor, unit)
    return "%s s" % ("%.2f" % (ns / 10**9) if ns < 10**11 else grouped(round(ns / 10**9)))


def begun(text: str) -> str:
    """The same as the beginning of a sentence: its first letter large."""
    return text[:1].upper() + text[1:]


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    parts = list(parts)
    if len(parts) < 2:
        return "".join(parts)
    return "%s and %s" % (", ".join(parts[:-1]), parts[-1])
