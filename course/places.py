"""The places of a text that measured values fill: `{calls}`, `{asked: size}`, `{calls: call}`.

A place begins directly behind its brace, so that `{ return 0; }` is none.
"""

from __future__ import annotations

import re
from collections import namedtuple

from reports import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Match
    from typing import Any, NamedTuple

_PLACE = re.compile(r"\{([a-z][^{};]*)\}")
if TYPE_CHECKING:

    class Place(NamedTuple):
        expression: str
        format: str
        at: int

else:
    Place = namedtuple("Place", "expression format at")


class PlaceError(ValueError):
    """A place that cannot be filled. One line."""


def of(text: str) -> Iterator[Place]:
    """Every Place of a text."""
    for match in _PLACE.finditer(text):
        expression, _, form = match[1].partition(":")
        yield Place(expression.strip(), form.strip(), match.start())


def fill(text: str, value_of: Callable[[str], Any]) -> str:
    """The text with its values; `value_of(expression)` gives one."""

    def filled(match: Match[str]) -> str:
        expression, _, form = match[1].partition(":")
        return told(value_of(expression.strip()), form.strip())

    return _PLACE.sub(filled, text)


def check_format(form: str) -> None:
    if form and form not in FORMS and not re.match(r"[A-Za-z/][\w /-]*(\|[\w /-]+)?\Z", form):
        raise PlaceError("%s; expected: %s, or a noun" % (form, ", ".join(FORMS)))


def told(value: Any, form: str = "") -> str:
    """A value in words; a form that is none of FORMS is a noun to count: `call`, `box|boxes`."""
    if value is None:
        return "unknown"
    if isinstance(value, (list, tuple)):
        return quantities.listed([told(one, form) for one in value]) if value else "none"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if form in FORMS:
        return FORMS[form](value)
    number = value if isinstance(value, int) else int(value) if value == int(value) else None
    if form:
        return quantities.count(number if number is not None else round(value), *form.split("|"))
    return quantities.grouped(number) if number is not None else "%.3g" % value


FORMS: dict[str, Callable[[Any], str]] = {
    "size": quantities.size,
    "exact": quantities.exact_size,
    "duration": quantities.duration,
    "hex": lambda value: hex(int(value)),
}
