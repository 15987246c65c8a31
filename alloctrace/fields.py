"""Reads the fields of the spool's information records: they come from a stranger."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .patterns import Pattern

TYPE_CHECKING = False  # to import typing would take longer than all of this file
if TYPE_CHECKING:
    from typing import Any, overload

MASK64 = (1 << 64) - 1
MAX_TEXT = 1 << 16
MAX_DIGITS = 40  # of an integer: before Python 3.11 a long one took quadratic time
_LONG = Pattern("[0-9]{%d}" % (MAX_DIGITS + 1))
_STEP = 13  # three of every 41 characters in a row are looked at: most texts have no long one
_MAY_BE_LONG = Pattern("[0-9]{3}")


def loads(text: str) -> Any:
    """The value of a stranger's JSON; raises ValueError or RecursionError."""
    if (
        _MAY_BE_LONG.search(text[::_STEP]) is None or _LONG.search(text) is None
    ):  # as good as always: then each number is read in C
        return json.loads(text)
    return json.loads(text, parse_int=_integer)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("an integer of %d digits" % len(text))
    return int(text)


if TYPE_CHECKING:

    @overload
    def number(data: Mapping[str, Any], key: str, default: int = 0) -> int:
        ...

    @overload
    def number(data: Mapping[str, Any], key: str, default: int | None) -> int | None:
        ...


def number(data: Mapping[str, Any], key: str, default: int | None = 0) -> int | None:
    """The unsigned 64-bit integer `key` of `data`; `default` where it is none."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MASK64:
        return default
    return value


def wrapped(data: Mapping[str, Any], key: str) -> int:
    """The same as a signed one: an address that counts downwards is written as its complement."""
    value = number(data, key)
    return value - (value >> 63 << 64)


def signed(data: Mapping[str, Any], key: str, default: int | None = None) -> int | None:
    """The signed 64-bit integer `key` of `data`; `default` where it is none."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        return default
    return value


def text(data: Mapping[str, Any], key: str, default: str = "") -> str:
    """The string `key` of `data`, at most MAX_TEXT characters; `default` where it is none."""
    value = data.get(key)
    return value[:MAX_TEXT] if isinstance(value, str) else default
